"""Products of our own: against exact sums and their own order of them, past their edges, on other processors."""

from __future__ import annotations

import hashlib
import itertools
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from thalweg.engine.arithmetic import block, fma
from thalweg.engine.compile import OPTIONS
from thalweg.engine.products import dots, nothing, product, repeated, strips, sums, turned, upright

Array = NDArray[Any]
DTYPES = ("float64", "float32")
UPRIGHT, LEFT_TURNED, RIGHT_TURNED = LAYOUTS = range(3)
START_ZERO, START_BIAS, START_OUT = STARTS = range(3)
# Rows, columns and steps around the edges of tiles (6 or 8 rows), vectors (2 to 16 cells) and panels (64 to 512 steps).
SHAPES = [
    (1, 1, 1), (2, 3, 4), (5, 2, 1), (7, 15, 3), (8, 16, 5), (9, 17, 8), (6, 33, 2), (13, 31, 20), (16, 32, 64),
    (17, 65, 70), (3, 40, 129), (8, 5, 257), (25, 100, 1), (100, 1, 25), (1, 100, 513), (33, 35, 300),
]  # fmt: skip
EMPTY = [(0, 3, 2), (3, 0, 2), (3, 2, 0), (0, 0, 0), (20, 40, 0)]
GUARD = 70


@njit(**OPTIONS)
def multiplied(layout, start, a, b, bias, cells, rows, columns):
    """Write a product into cells that stand between others."""
    out = block(cells, GUARD, rows, columns)
    left = turned(a) if layout == LEFT_TURNED else upright(a)
    right = turned(b) if layout == RIGHT_TURNED else upright(b)
    if start == START_ZERO:
        product(left, right, nothing(out), upright(out))
    elif start == START_BIAS:
        product(left, right, repeated(bias, rows), upright(out))
    else:
        product(left, right, upright(out), upright(out))


@njit(**OPTIONS)
def in_order(a, b, out):
    """Add a product to ``out``, each cell by one chain of fused multiply-adds."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            cell = out[i, j]
            for k in range(a.shape[1]):
                cell = fma(a[i, k], b[k, j], cell)
            out[i, j] = cell


@njit(**OPTIONS)
def stripped(turn, start, weights, matrix, cells, rows):
    depth, columns = matrix.shape
    out = block(cells, GUARD, rows, columns)
    row, step = (1, rows) if turn else (depth, 1)
    strips(weights, 0, row, step, rows * depth if start else -1, matrix, out)


@njit(**OPTIONS)
def dotted(x, y, cells, by_rows):
    if by_rows:
        dots(x, y, cells, GUARD, y.shape[0], 1)
    else:
        dots(x, y, cells, GUARD, 1, x.shape[0])


@njit(**OPTIONS)
def summed(x, cells):
    sums(x, cells, GUARD)


def guarded(size: int, dtype: str, fill: Array | float = 0.0) -> Array:
    cells = np.full(size + 2 * GUARD, np.nan, dtype)
    cells[GUARD : GUARD + size] = fill
    return cells


def inside(cells: Array, *shape: int) -> Array:
    """Return what stands between the guards, which must be as they were."""
    assert np.isnan(cells[:GUARD]).all()
    assert np.isnan(cells[len(cells) - GUARD :]).all()
    return cells[GUARD : len(cells) - GUARD].reshape(shape)


def matrices(shape: tuple[int, int, int], layout: int, dtype: str, *, whole: bool) -> tuple[Array, Array, Array, Array]:
    """Left, right, bias and earlier content of the result, the first two as they are to be given."""
    rows, columns, depth = shape
    rng = np.random.default_rng([rows, columns, depth, layout])
    left = (depth, rows) if layout == LEFT_TURNED else (rows, depth)
    right = (columns, depth) if layout == RIGHT_TURNED else (depth, columns)
    made = [
        rng.integers(-9, 10, size).astype(dtype) if whole else rng.normal(size=size).astype(dtype)
        for size in (left, right, (1, columns), (rows, columns))
    ]
    return made[0], made[1], made[2], made[3]


def multiply(
    shape: tuple[int, int, int], layout: int, start: int, given: tuple[Array, Array, Array, Array]
) -> tuple[Array, Array, Array, Array]:
    """Return the product and, as plain matrices, what it is to be made of."""
    rows, columns, _ = shape
    a, b, bias, before = given
    cells = guarded(rows * columns, a.dtype.name, before.ravel())
    multiplied(layout, start, a, b, bias, cells, rows, columns)
    begin = [np.zeros_like(before), np.broadcast_to(bias, before.shape), before][start]
    left, right = (a.T if layout == LEFT_TURNED else a), (b.T if layout == RIGHT_TURNED else b)
    return inside(cells, rows, columns), np.ascontiguousarray(left), np.ascontiguousarray(right), begin.copy()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [*SHAPES, *EMPTY], ids=str)
def test_a_product_of_whole_numbers_is_exact(shape: tuple[int, int, int], dtype: str) -> None:
    for layout, start in itertools.product(LAYOUTS, STARTS):
        ours, a, b, begin = multiply(shape, layout, start, matrices(shape, layout, dtype, whole=True))
        np.testing.assert_array_equal(ours, begin.astype(int) + a.astype(int) @ b.astype(int))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_cell_of_a_product_is_one_chain_of_sums(shape: tuple[int, int, int], dtype: str) -> None:
    # Bit for bit, wherever a cell stands in its tile: so neither tiles nor vectors nor blocks of steps show.
    for layout, start in itertools.product(LAYOUTS, STARTS):
        ours, a, b, expected = multiply(shape, layout, start, matrices(shape, layout, dtype, whole=False))
        in_order(a, b, expected)
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_strips_have_the_bits_of_a_product(shape: tuple[int, int, int], dtype: str) -> None:
    rows, columns, _ = shape
    a, b, _, before = matrices(shape, UPRIGHT, dtype, whole=False)
    start = before[:, :1]
    for turn, started in itertools.product((False, True), repeat=2):
        cells = guarded(rows * columns, dtype)
        weights = np.concatenate([(a.T if turn else a).ravel(), start.ravel()])
        stripped(turn, started, weights, b, cells, rows)
        expected = np.broadcast_to(start if started else np.zeros_like(start), (rows, columns)).copy()
        in_order(a, b, expected)
        np.testing.assert_array_equal(inside(cells, rows, columns), expected)


def folded(terms: Array) -> Array:
    """Sum 64 bytes side by side, in the order that the module promises."""
    lanes = 64 // terms.dtype.itemsize
    padded = np.zeros((*terms.shape[:-1], -(-terms.shape[-1] // lanes) * lanes), terms.dtype)
    padded[..., : terms.shape[-1]] = terms
    total = np.zeros((*terms.shape[:-1], lanes), terms.dtype)
    for first in range(0, padded.shape[-1], lanes):
        total = total + padded[..., first : first + lanes]
    while lanes > 1:
        lanes //= 2
        total = total[..., :lanes] + total[..., lanes : 2 * lanes]
    return total[..., 0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [0, 1, 7, 8, 16, 17, 100, 259])
@pytest.mark.parametrize("rows", [1, 2, 8, 13])
def test_dots_and_sums_add_in_a_fixed_order(rows: int, length: int, dtype: str) -> None:
    rng = np.random.default_rng(rows + length)
    # Products of small whole numbers over a power of two are exact: what is left is the order of the sums.
    x = rng.integers(-99, 100, (rows, length)).astype(dtype) / 7
    y = (2.0 ** rng.integers(-9, 9, (3, length))).astype(dtype)
    for by_rows in (True, False):
        cells = guarded(rows * 3, dtype)
        dotted(x, y, cells, by_rows)
        ours = inside(cells, *((rows, 3) if by_rows else (3, rows)))
        np.testing.assert_array_equal(ours if by_rows else ours.T, folded(x[:, None, :] * y))
    cells = guarded(rows, dtype)
    summed(x, cells)
    np.testing.assert_array_equal(inside(cells, rows), folded(x))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_not_finite_stays_in_its_row_and_column(layout: int, bad: float, dtype: str) -> None:
    shape = (19, 37, 11)
    for row, column, step in ((0, 0, 0), (18, 36, 10), (9, 20, 5)):
        a, b, bias, before = matrices(shape, layout, dtype, whole=False)
        (a.T if layout == LEFT_TURNED else a)[row, step] = bad
        ours, *_ = multiply(shape, layout, START_BIAS, (a, b, bias, before))
        assert not np.isfinite(ours[row]).any()
        assert np.isfinite(np.delete(ours, row, axis=0)).all()
        a, b, bias, before = matrices(shape, layout, dtype, whole=False)
        (b.T if layout == RIGHT_TURNED else b)[step, column] = bad
        ours, *_ = multiply(shape, layout, START_BIAS, (a, b, bias, before))
        assert not np.isfinite(ours[:, column]).any()
        assert np.isfinite(np.delete(ours, column, axis=1)).all()


def test_zero_times_infinity_is_nan() -> None:
    a, b = np.zeros((3, 4)), np.full((4, 5), np.inf)
    ours, *_ = multiply((3, 5, 4), UPRIGHT, START_ZERO, (a, b, np.zeros((1, 5)), np.zeros((3, 5))))
    assert np.isnan(ours).all()


def test_shapes_that_do_not_fit_are_refused() -> None:
    a, b, bias, before = matrices((4, 5, 6), UPRIGHT, "float64", whole=True)
    cells = guarded(30, "float64")
    with pytest.raises(ValueError, match="shapes of a product"):
        multiplied(UPRIGHT, START_ZERO, a[:, :5].copy(), b, bias, cells, 4, 5)
    with pytest.raises(ValueError, match="shapes of a product"):
        multiplied(UPRIGHT, START_ZERO, a, b, bias, cells, 4, 4)
    with pytest.raises(ValueError, match="start"):
        multiplied(UPRIGHT, START_BIAS, a, b, bias[:, :4].copy(), cells, 4, 5)
    with pytest.raises(ValueError, match="lengths of a dot product"):
        dotted(a, before, cells, by_rows=True)
    assert np.isnan(cells[:GUARD]).all()
    np.testing.assert_array_equal(cells[GUARD:-GUARD], 0)


# A network's run from end to end on a processor that is told to be another: narrower vectors, fewer registers.
BITS = """
import hashlib
import numpy as np
from numba import njit
from thalweg.descent.batches import Rows
from thalweg.descent.models import Network
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.engine.elementary import exp
from thalweg.formulas import activations, losses, rules

@njit(error_model="numpy")
def exponentials(x, y):
    for i in range(x.size):
        y[i] = exp(x[i])


digest = hashlib.sha256()
rng = np.random.default_rng(0)
for dtype in ("float64", "float32"):
    for sizes in ((7, 21, 3), (9, 70, 40, 5)):
        X, y = rng.normal(size=(90, sizes[0])), rng.normal(size=(90, sizes[-1]))
        model = Network(sizes, (activations.relu,) * (len(sizes) - 2), (0.2,) * (len(sizes) - 2))
        settings = Settings(rules.gradient_descent(learning_rate=0.01), losses.squared, batch_size=37, max_iter=5)
        run = Run(model, Rows.of(X, y, dtype=dtype), settings, random_state=0).descend()
        digest.update(run.theta.tobytes())
    x = np.linspace(-760, 720, 100_003).astype(dtype)  # exp is 0, subnormal, normal and inf there
    y = np.empty_like(x)
    exponentials(x, y)
    digest.update(y.tobytes())
print(digest.hexdigest())
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names processors of the x86-64 family")
def test_a_run_of_a_network_has_the_same_bits_on_another_processor(tmp_path: Path) -> None:
    from numba.core.registry import cpu_target

    if "+fma," not in f"{cpu_target.target_context.codegen().magic_tuple()},":
        pytest.skip("this processor has no fused multiply-add")
    plain = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_CPU")}
    haswell = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+bmi,+bmi2,+sse4.2,+popcnt"}
    digests = [
        subprocess.run(
            [sys.executable, "-c", BITS],
            env={**plain, **other, "NUMBA_CACHE_DIR": str(tmp_path), "OPENBLAS_NUM_THREADS": threads},
            capture_output=True, text=True, check=True,
        ).stdout
        for other, threads in (({}, "1"), (haswell, "2"))
    ]  # fmt: skip
    assert len(digests[0].strip()) == len(hashlib.sha256().hexdigest())
    assert digests[0] == digests[1]
