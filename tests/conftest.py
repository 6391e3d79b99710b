"""What every test stands on: no windows, no check left out, no deadlines, the same examples, nothing left of others."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

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


def start_again(module: ModuleType) -> None:
    """Let the generators of a module give the same numbers again: no test depends on what those before it drew."""
    for generator, state in generators(module):
        generator.bit_generator.state = state


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Come before the fixtures of a module, some of which draw."""
    if isinstance(item, pytest.Function):
        start_again(item.module)


@pytest.fixture(autouse=True)
def same_numbers(request: pytest.FixtureRequest) -> None:
    """Come after the fixtures of a module, of which the first test alone would see the draws."""
    if isinstance(request.node, pytest.Function):
        start_again(request.module)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Fail a test of which a thread of ours is left: it would be at work in the tests that follow.

    Threads of a team wait for the next run by design. Whatever else has ended, or ends soon.
    """
    yield
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("thalweg")]
    for thread in ours:
        if not thread.name.startswith("thalweg-team"):
            thread.join(PATIENCE)
            assert not thread.is_alive(), f"{thread.name} is still at work"
