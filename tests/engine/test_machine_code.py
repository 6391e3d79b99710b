"""What the kernels are compiled to: no flag that lets the compiler forget nan, no index outside its array."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import njit

from thalweg.engine import compile as compiler
from thalweg.engine import drivers, linear, network, softmax
from thalweg.engine.compile import OPTIONS
from thalweg.formulas import catalog

DTYPES = ("float64", "float32")
# "fast" stands for all of them; contract and reassoc would change the order and the rounding of sums.
FLAGS = re.compile(r"\b(?:fast|nnan|ninf|nsz|arcp|contract|afn|reassoc)\b")


def generated() -> dict[str, tuple[tuple[str, str], Any]]:
    """Name and text of every generated loop, with its signature."""
    found = {}
    for dtype in DTYPES:
        update, penalty = compiler.update_signature(dtype), compiler.penalty_signature(dtype)
        for rule in catalog.rules().values():
            found[f"{rule.name}-{dtype}"] = rule.kernel_text(dtype), update
            found[f"{rule.name}-lanes-{dtype}"] = rule.kernel_text(dtype, lanes=True), update
        for loss in catalog.losses().values():
            if not loss.per_row:
                found[f"{loss.name}-{dtype}"] = loss.kernel_text(dtype), compiler.loss_signature(dtype)
        for one in catalog.penalties().values():
            found[f"{one.name}-{dtype}"] = one.kernel_text(dtype), penalty
            if one.has_proximal:
                found[f"{one.name}-step-{dtype}"] = one.proximal_text(dtype), compiler.proximal_signature(dtype)
        programs = tuple(a._program for a in catalog.activations().values())
        found[f"forward-{dtype}"] = compiler.forward_text(programs, dtype), compiler.forward_signature(dtype)
        found[f"backward-{dtype}"] = compiler.backward_text(programs, dtype), compiler.backward_signature(dtype)
    return found


GENERATED = generated()
FIRST = [f"{name}-{dtype}" for dtype in DTYPES for name in ("adam", "adam-lanes", "log", "l1", "l1-step", "backward")]


def code(function: Callable[..., Any], signature: Any) -> str:
    """Compile past the cache, which keeps no code that can be read, and return all of it."""
    kernel = njit(**OPTIONS)(function)
    kernel.compile(signature)
    text: str = kernel.inspect_llvm(signature.args)
    assert "define" in text
    return text


def arithmetic(text: str) -> list[str]:
    return [
        line.strip()
        for line in text.splitlines()
        if re.search(r"= f(?:add|sub|mul|div|neg|cmp|rem)\b|call .*@llvm\.", line)
    ]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in FIRST else pytest.mark.deep) for name in GENERATED]
)
def test_a_generated_loop_is_strict_about_numbers(name: str) -> None:
    (stem, text), signature = GENERATED[name]
    lines = arithmetic(code(compiler.from_text(stem, text), signature))
    assert lines
    assert [line for line in lines if FLAGS.search(line)] == []


HAND_WRITTEN = {
    "softmax": (softmax.softmax, compiler.loss_signature),
    "dense": (linear.dense, compiler.objective_signature),
    "sparse": (linear.sparse, compiler.objective_signature),
    "gram": (linear.gram, compiler.objective_signature),
    "network": (network.network, compiler.objective_signature),
    "narrow": (network.narrow, compiler.objective_signature),
    **drivers.PARTS,
}


@pytest.mark.deep
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*HAND_WRITTEN, "driver", "driver of more"])
def test_what_is_written_by_hand_is_strict_about_numbers(name: str, dtype: str) -> None:
    if name.startswith("driver"):
        made = drivers.driver(dtype, more=name != "driver")
        function, signature = drivers.epoch, made.nopython_signatures[0]
    else:
        function, signature_of = HAND_WRITTEN[name]
        signature = signature_of(dtype)
    lines = arithmetic(code(function, signature))
    assert lines
    assert [line for line in lines if FLAGS.search(line)] == []


def test_the_search_for_flags_finds_them() -> None:
    @njit(fastmath=True)
    def loose(x):
        return x * 2 + 1

    loose.compile("float64(float64)")
    lines = arithmetic(loose.inspect_llvm(loose.signatures[0]))
    assert any(FLAGS.search(line) for line in lines)


@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_is_not_finite_in_a_kernel(dtype: str) -> None:
    @njit(**OPTIONS)
    def tested(x, out):
        for i in range(x.size):
            out[i] = np.isfinite(x[i]) and x[i] == x[i]

    x = np.array([0.0, 1.0, np.inf, -np.inf, np.nan, 3e38], dtype)
    out = np.zeros(6)
    tested(x, out)
    np.testing.assert_array_equal(out, [1, 1, 0, 0, 0, 1])
    assert not set(OPTIONS) & {"fastmath", "parallel"}
    assert OPTIONS["error_model"] == "numpy"  # a division by zero is inf, not an exception


@pytest.mark.parametrize("name", ["adam", "squared"])
def test_kernels_release_the_interpreter_and_take_one_type_only(name: str) -> None:
    kind, made = ("rule", compiler.update_kernel) if name == "adam" else ("loss", compiler.loss_kernel)
    kernel = made(catalog.find(kind, name), "float64")
    assert compiler.entry(kernel.signature).targetoptions["nogil"]
    assert len(kernel.overloads) == 1
    with pytest.raises(TypeError, match="No matching definition"):
        kernel(*(np.zeros(3, np.float32) for _ in range(9 if name == "adam" else 8)))


# Runs that go through every hand-written kernel, driver and kind of generated loop, at sizes where a block or a batch
# does not come out even. In a process of its own: checks of bounds are chosen when Numba is imported.
BOUNDS = """
import numpy as np
from scipy.sparse import csr_array
from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear, Network
from thalweg.descent.run import Run
from thalweg.descent.settings import Averaging, Settings
from thalweg.engine import drivers, linear
from thalweg.formulas import activations, catalog, losses, penalties, rules, schedules

rng = np.random.default_rng(0)
every = list(catalog.rules().values())

def descend(model, rows, rule, loss, **more):
    rates = more.pop("rates", None)
    order = more.pop("order", None)
    told = Settings(rule, loss, max_iter=3, **more)
    Run(model, rows, told, random_state=0, rates=rates, order=order).descend()

for dtype in ("float64", "float32"):
    for features in (1, 3, 8, 17):
        X = rng.normal(size=(37, features)) * (rng.random((37, features)) < 0.7)
        y = X.sum(axis=1) + rng.normal(size=37)
        for layout in (X, csr_array(X)):
            rows = Rows.of(layout, y, dtype=dtype)
            for rule in every if features == 3 else every[:1]:
                for batch in (1, 5, 8, 37, None):
                    descend(Linear(features), rows, rule, losses.squared, batch_size=batch)
            weighted = Rows.of(layout, np.column_stack([y, -y]), rng.random(37), dtype=dtype)
            for penalty in (penalties.l2, penalties.l1, penalties.elastic_net):
                for rule in (rules.gradient_descent, rules.adam):
                    more = dict(batch_size=5, penalty=penalty, clip_norm=1.0)
                    descend(Linear(features, 2), weighted, rule, losses.huber, **more)
            descend(Linear(features, 2, fit_intercept=False), weighted, rules.adamw, losses.huber, clip_value=0.1)
            lanes = Linear(features, 2, lanes=3)
            for rule in every if features == 3 else every[:1]:
                more = dict(batch_size=5, rates=np.repeat([0.01, 0.1, 0.2], 2), clip_norm=1.0)
                descend(lanes, weighted, rule, losses.squared, **more)
            for average in (Averaging(), Averaging(0.9, start=3)):
                more = dict(batch_size=2, accumulate=3, average=average, gradient_norm=True)
                descend(Linear(features, 2), weighted, rules.adam, losses.squared, **more)
            own = lambda epoch: [0, 36, 36, 5, 7]
            descend(Linear(features), rows, rules.adam, losses.squared, batch_size=4, order=own)
    big = Rows.of(rng.normal(size=(3000, 5)), rng.normal(size=(3000, 2)), rng.random(3000), dtype=dtype)
    descend(Linear(5, 2), big, rules.momentum, losses.squared, penalty=penalties.l1)
    classes = np.eye(3)[rng.integers(0, 3, 37)]
    X = rng.normal(size=(37, 6))
    for loss in catalog.losses().values():
        targets = classes if loss.per_row else (classes[:, :1] if loss.target == "binary" else np.abs(X[:, :1]))
        rows = Rows.of(X, targets, rng.random(37), dtype=dtype)
        descend(Linear(6, targets.shape[1]), rows, rules.adam, loss, batch_size=8)
    for activation in catalog.activations().values():
        for hidden, dropout in (((5,), ()), ((5, 1, 7), (0.5, 0.0, 0.2)), ((200, 3), (0.0, 0.3))):
            model = Network((6, *hidden, 3), (activation,) * len(hidden), dropout)
            rows = Rows.of(X, classes, dtype=dtype)
            for batch in (1, 8, 20, None):
                descend(model, rows, rules.adam, losses.softmax, batch_size=batch, penalty=penalties.l2)
    descend(Network((6, 3), ()), Rows.of(X, classes, dtype=dtype), rules.adam, losses.softmax, batch_size=20)

import numba
assert numba.config.BOUNDSCHECK == 1
objective = linear.objective("dense", "float64")
try:
    short = np.zeros(1)
    whole = np.zeros(0, np.int64)
    objective(
        short, short, np.zeros((2, 1)), short, np.zeros(0, np.int32), whole, np.zeros((2, 1)), short[:0],
        np.array([5]), 1.0, np.array([[1, 1, 0]]), np.zeros(20), short, np.zeros(7, np.int64), short,
        np.zeros((1, 1)), short, np.uint64(0), np.uint64(0),
    )
except IndexError:
    print("no index was out of bounds, and one that is is seen")
"""


@pytest.mark.deep
def test_no_index_is_out_of_bounds(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", BOUNDS], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "no index was out of bounds, and one that is is seen"
