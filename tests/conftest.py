"""What every test stands on: no windows, no check left out, no deadlines, the same examples, nothing left of others."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from numpy.random import bit_generator

# Before anything imports matplotlib, here or in a subprocess.
os.environ["MPLBACKEND"] = "Agg"
# Before anything imports SciPy: without it scikit-learn skips its checks of array inputs.
os.environ["SCIPY_ARRAY_API"] = "1"
# Before anything imports Keras, which reads it once: whichever test comes first has the backend that is installed.
os.environ["KERAS_BACKEND"] = "numpy"

# A first call compiles, so an example has no deadline: speed is measured in benchmarks/. `make test` says the same
# twice; `make test-deep` looks for new examples.
UNHURRIED: dict[str, Any] = {"deadline": None, "print_blob": True, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("same", derandomize=True, **UNHURRIED)
settings.register_profile("new", max_examples=500, **UNHURRIED)
settings.load_profile("same")

PATIENCE = 120.0  # seconds for a thread that is told to end, on a busy machine


@cache
def generators(module: ModuleType) -> list[tuple[np.random.Generator, dict[str, Any]]]:
    """Return the generators of a module, and where each stands when this is first asked."""
    found = [each for each in vars(module).values() if isinstance(each, np.random.Generator)]
    return [(each, each.bit_generator.state) for each in found]


#: What NumPy takes for the entropy of the system.
ENTROPY = random.Random(0)  # noqa: S311 - no secret
bit_generator.randbits = ENTROPY.getrandbits


def start_again(module: ModuleType) -> None:
    """Let a test draw the same numbers in every run: neither chance nor the tests before it decide how it ends."""
    for generator, state in generators(module):
        generator.bit_generator.state = state
    ENTROPY.seed(0)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Come before the fixtures of a module, some of which draw."""
    if isinstance(item, pytest.Function):
        start_again(item.module)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call() -> None:
    """Seed the generators that all share, after pytest-randomly, whose seed is another in every run."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - whoever draws from it


@pytest.fixture(autouse=True)
def same_numbers(request: pytest.FixtureRequest) -> None:
    """Come after the fixtures of a module, of which the first test alone would see the draws."""
    if isinstance(request.node, pytest.Function):
        start_again(request.module)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Fail a test of which a thread of ours is left: it would be at work in the tests that follow.

    Threads of a team wait for the next run by design. Whatever else has ended, or ends soon. One that was left is told
    of once: the tests that follow are not to blame.
    """
    before = set(threading.enumerate())
    yield
    left = [each for each in threading.enumerate() if each not in before and each.name.startswith("thalweg")]
    for thread in left:
        if not thread.name.startswith("thalweg-team"):
            thread.join(PATIENCE)
            assert not thread.is_alive(), f"{thread.name} is still at work"
