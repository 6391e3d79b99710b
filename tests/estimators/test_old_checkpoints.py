"""C12: checkpoints of every format there has been are gone on from; `tests.estimators.checkpoints.make` makes them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.estimators.checkpoints.make import FITS

import thalweg
from thalweg.exchange import checkpoints

FOLDER = Path(__file__).with_name("checkpoints")
FILES = sorted(FOLDER.glob("*.checkpoint"))
# The machine that made them had its own NumPy and processor: bits may differ, numbers do not.
pytestmark = pytest.mark.filterwarnings(
    "ignore:STORE-VERSIONS", "ignore:the loss had not settled", "ignore:.*early_stopping"
)


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def left(request, tmp_path) -> tuple[str, Path]:
    """The name of a fit, and a copy of the checkpoint that it left."""
    path = tmp_path / "fit.checkpoint"
    shutil.copy(request.param, path)
    return request.param.stem.rpartition("-")[2], path


def test_there_is_one_of_every_fit_for_every_format():
    formats = range(1, checkpoints.FORMAT + 1)
    assert {path.name for path in FILES} == {f"format-{k}-{name}.checkpoint" for k in formats for name in FITS}


def test_a_fit_goes_on_from_it_to_where_it_would_have_come(left):
    name, path = left
    seen: list[float] = []
    found = FITS[name](callbacks=[thalweg.Checkpoint(path), lambda run: seen.append(run.t)])
    whole = FITS[name]()
    for attribute in ("theta_", "state_", "last_iterate_", "loss_curve_", "validation_curve_", "learning_rate_curve_"):
        there, here = getattr(found, attribute), getattr(whole, attribute)
        np.testing.assert_allclose(there, here, rtol=1e-9, atol=1e-12, err_msg=attribute)
    assert (found.t_, found.n_iter_, found.best_epoch_) == (whole.t_, whole.n_iter_, whole.best_epoch_)
    assert not path.exists()
    assert len(seen) < found.n_iter_  # some epochs were made before


def test_a_fit_to_other_rows_is_refused(left, monkeypatch):
    from tests.estimators.checkpoints import make

    name, path = left
    other = make.X.copy()
    other[2, 3] += 1e-15
    monkeypatch.setattr(make, "X", other)
    with pytest.raises(thalweg.ThalwegError) as caught:
        FITS[name](callbacks=thalweg.Checkpoint(path))
    assert caught.value.code == "STORE-MISMATCH"
