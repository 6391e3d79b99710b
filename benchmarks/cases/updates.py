"""The update alone: Adam on ten million parameters, and every rule against its own NumPy formula."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.case import Case, Run, Sheet, Side

LEARNING_RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Vectors:
    """Parameters and one gradient, both (n,) float32."""

    theta: NDArray[np.float32]
    g: NDArray[np.float32]


def vectors(n: int) -> Vectors:
    """Normal numbers, the same on every machine."""
    rng = np.random.default_rng(20261120)
    return Vectors(rng.standard_normal(n, dtype=np.float32), rng.standard_normal(n, dtype=np.float32))


def numpy_reference(problem: Vectors, epochs: int) -> NDArray[Any]:
    """The same steps in float64."""
    theta, g = problem.theta.astype(float), problem.g.astype(float)
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    for t in range(1, epochs + 1):
        m = BETA1 * m + (1 - BETA1) * g
        v = BETA2 * v + (1 - BETA2) * g * g
        theta = theta - LEARNING_RATE * (m / (1 - BETA1**t)) / (np.sqrt(v / (1 - BETA2**t)) + EPSILON)
    return theta


# Every run goes on from where the one before it stopped: a fresh start would time the allocation of 120 MB.


def native(rule: Any, dtype: str) -> Callable[[NDArray[Any], NDArray[Any], NDArray[Any], float], None]:
    """``update(theta, g, state, t)`` in place: the kernel that every run uses."""
    from thalweg.engine import compile as compiler

    kernel = compiler.update_kernel(rule, dtype)
    numbers = [float(value) for value in rule.hyperparameters.values()]
    hyper, rates = np.array(numbers), np.array([float(rule.hyperparameters.get("learning_rate", 0.0))])
    lanes = np.zeros((1, 1), dtype)
    return lambda theta, g, state, t: kernel(theta, g, state, hyper, rates, lanes, t, 0, theta.size)


def ours(problem: Vectors) -> Run:
    """Adam's kernel on the whole vector."""
    import thalweg

    rule = thalweg.adam(learning_rate=LEARNING_RATE, beta1=BETA1, beta2=BETA2, epsilon=EPSILON)
    update, theta = native(rule, "float32"), problem.theta.copy()
    state, time = np.array(rule.init(theta)), [0.0]

    def run(epochs: int) -> NDArray[Any]:
        for _ in range(epochs):
            time[0] += 1
            update(theta, problem.g, state, time[0])
        return theta

    return run


def torch_adam(threads: int, fused: bool, problem: Vectors) -> Run:
    """``torch.optim.Adam.step`` with the gradient already in place."""
    import torch

    torch.set_num_threads(threads)
    theta = torch.nn.Parameter(torch.from_numpy(problem.theta.copy()))
    theta.grad = torch.from_numpy(problem.g)
    adam = torch.optim.Adam([theta], lr=LEARNING_RATE, betas=(BETA1, BETA2), eps=EPSILON, fused=fused)

    def run(epochs: int) -> NDArray[Any]:
        for _ in range(epochs):
            adam.step()
        return theta.detach().numpy()

    return run


def optax_adam(donate: bool, problem: Vectors) -> Run:
    """``update`` and ``apply_updates`` in one compiled function, which may reuse its arguments' memory or not."""
    import jax
    import jax.numpy as jnp
    import optax

    optimizer = optax.adam(LEARNING_RATE, b1=BETA1, b2=BETA2, eps=EPSILON)

    @partial(jax.jit, donate_argnums=(0, 1) if donate else ())
    def step(theta: Any, state: Any, g: Any) -> Any:
        updates, state = optimizer.update(g, state, theta)
        return optax.apply_updates(theta, updates), state

    g, theta = jnp.asarray(problem.g), jnp.array(problem.theta)
    carry = {"theta": theta, "state": optimizer.init(theta)}

    def run(epochs: int) -> NDArray[Any]:
        theta, state = carry["theta"], carry["state"]
        for _ in range(epochs):
            theta, state = step(theta, state, g)
        carry["theta"], carry["state"] = jax.block_until_ready((theta, state))
        # A copy of a part: a view of the whole would keep the next step from reusing the memory.
        return np.array(carry["theta"][:100_000])

    return run


def numpy_in_place(problem: Vectors) -> Run:
    """What NumPy can do without temporaries, one array operation after the other."""
    theta, g = problem.theta.copy(), problem.g
    m, v, a, b = np.zeros((4, theta.size), np.float32)
    time = [0]

    def run(epochs: int) -> NDArray[Any]:
        for _ in range(epochs):
            time[0] += 1
            rate, scale = LEARNING_RATE / (1 - BETA1 ** time[0]), (1 - BETA2 ** time[0]) ** -0.5
            np.multiply(m, BETA1, out=m)
            np.multiply(g, 1 - BETA1, out=a)
            np.add(m, a, out=m)
            np.multiply(g, g, out=a)
            np.multiply(a, 1 - BETA2, out=a)
            np.multiply(v, BETA2, out=v)
            np.add(v, a, out=v)
            np.sqrt(v, out=a)
            np.multiply(a, scale, out=a)
            np.add(a, EPSILON, out=a)
            np.multiply(m, rate, out=b)
            np.divide(b, a, out=b)
            np.subtract(theta, b, out=theta)
        return theta

    return run


def _case(threads: int, ours: Side) -> Case:
    return Case(
        name=f"update-{threads}",
        work=f"Adam update of 10,000,000 float32, {'one thread' if threads == 1 else 'two threads'}",
        unit="update",
        problem=partial(vectors, 10_000_000),
        small=partial(vectors, 100_000),
        steps=lambda _: 1,
        reference=numpy_reference,
        start=lambda problem: problem.theta.astype(float),
        threads=threads,
        clock="cpu" if threads == 1 else "wall",
        check_epochs=5,
        ours=ours,
        peers=(
            Side("PyTorch, fused Adam", partial(torch_adam, threads, True), 10, ("torch",), 1.05, tolerance=1e-3),
            Side("JAX + Optax", partial(optax_adam, False), 3, ("jax", "optax"), 0.2, tolerance=1e-3),
            Side(
                "JAX + Optax, donated",
                partial(optax_adam, True),
                5,
                ("jax", "optax"),
                0.2,
                tolerance=1e-3,
                note="reuses the memory of its arguments",
            ),
            Side("PyTorch, default Adam", partial(torch_adam, threads, False), 3, ("torch",), tolerance=1e-3),
            Side("NumPy, in place", numpy_in_place, 2, tolerance=1e-3),
        ),
    )


COLUMNS = ("native float64", "NumPy float64", "native float32", "NumPy float32")


def every_rule() -> Callable[[], dict[str, dict[str, float]]]:
    """Kernels and arrays for every rule; each kernel must have given the bits of its formula before it is timed."""
    from thalweg.formulas import rules

    n = 100_000
    rng = np.random.default_rng(20261120)
    jobs: list[tuple[str, str, int, Callable[[], Any]]] = []
    for name in rules.__all__:
        rule = getattr(rules, name)
        for dtype in ("float64", "float32"):
            theta, g = rng.normal(size=(2, n)).astype(dtype)
            update, state = native(rule, dtype), np.array(rule.init(theta))
            expected, memory = theta, state
            theta, state = theta.copy(), state.copy()
            for step in (1.0, 2.0, 3.0):
                update(theta, g, state, step)
                expected, memory = rule.step(expected, g, memory, step)
            if not (np.array_equal(theta, expected) and np.array_equal(state, memory)):
                raise ArithmeticError(f"{name} {dtype}: the kernel does not give the bits of its formula")
            jobs.append((name, f"native {dtype}", 20, partial(update, theta, g, state, 4.0)))
            jobs.append((name, f"NumPy {dtype}", 2, partial(rule.step, expected, g, memory, 4.0)))

    def measure() -> dict[str, dict[str, float]]:
        seconds: dict[str, dict[str, float]] = {name: {} for name in rules.__all__}
        for name, column, repeats, job in jobs:
            job()  # brings the arrays into the cache
            begin = clock.process_time()
            for _ in range(repeats):
                job()
            seconds[name][column] = (clock.process_time() - begin) / repeats / n
        return seconds

    return measure


CASES = (
    _case(1, Side("thalweg", ours, 10, tolerance=1e-3)),
    _case(2, Side("thalweg", ours, 10, tolerance=1e-3, note="one thread: an update is not split")),
)

SHEETS = (
    Sheet(
        name="rules",
        work="Every rule: native update against its own NumPy formula, 100,000 coordinates, one thread",
        prepare=every_rule,
        columns=dict.fromkeys(COLUMNS, "ns"),
    ),
)
