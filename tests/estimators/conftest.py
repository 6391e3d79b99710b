"""Whatever a test hands to an estimator is the same afterwards, to the last bit."""

from __future__ import annotations

import hashlib
import pickle
from functools import wraps

import numpy as np
import pytest
from scipy.sparse import issparse

from thalweg.descent.stream import Stream
from thalweg.estimators.base import DescentEstimator
from thalweg.formulas.base import Formula


def digest(given):
    """Return what changes when a value does."""
    if isinstance(given, np.ndarray):
        return hashlib.sha256(np.ascontiguousarray(given).tobytes()).digest() if given.dtype != object else repr(given)
    if isinstance(given, Stream):
        return id(given)  # it is gone through, and remembers how far
    if issparse(given):
        parts = [getattr(given, name) for name in ("data", "indices", "indptr", "row", "col") if hasattr(given, name)]
        return [digest(part) for part in parts if isinstance(part, np.ndarray)]
    if isinstance(given, Stream):  # it may note where it is
        return id(given)
    if isinstance(given, Formula):
        return given.fingerprint, given.hyperparameters
    if hasattr(given, "__array__"):  # a frame or a column of any library, which may note things about itself
        return digest(np.asarray(given))
    try:
        return hashlib.sha256(pickle.dumps(given)).digest()
    except Exception:  # noqa: BLE001 - what cannot be stored is compared by identity
        return id(given)


def kept(method):
    """Let a method assert that its arguments and its estimator's parameters stay as they are."""

    @wraps(method)
    def watched(self, *args, **kwargs):
        drawn = {"random_state", "callbacks"}  # a generator is there to be drawn from, a callback may collect
        given = [*args, *kwargs.values()]
        told = {name: value for name, value in self.get_params(deep=False).items() if name not in drawn}
        before = [digest(each) for each in given], {name: digest(value) for name, value in told.items()}
        try:
            return method(self, *args, **kwargs)
        finally:
            after = [digest(each) for each in given], {name: digest(getattr(self, name)) for name in told}
            assert after == before, "an argument or a parameter has been changed"

    return watched


@pytest.fixture(autouse=True, scope="session")
def inputs_are_never_changed():
    patch = pytest.MonkeyPatch()
    for name in ("fit", "_make_pass", "_scores"):
        patch.setattr(DescentEstimator, name, kept(vars(DescentEstimator)[name]))
    yield
    patch.undo()
