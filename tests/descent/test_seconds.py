from __future__ import annotations

import numpy as np
import pytest

from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.engine import compile as compiler
from thalweg.formulas.losses import squared
from thalweg.formulas.rules import adam


@pytest.mark.parametrize("batch_size", [None, 1, 8])
def test_everything_is_compiled_before_the_clock_of_a_run_starts(monkeypatch, batch_size):
    rng = np.random.default_rng(0)
    rows = Rows.of(rng.standard_normal((40, 3)), rng.standard_normal(40))
    run = Run(Linear(3), rows, Settings(adam, squared, batch_size=batch_size, max_iter=2), random_state=0)

    def late(*arguments):
        raise AssertionError("compiled while the clock runs")

    monkeypatch.setattr(compiler, "native", late)
    monkeypatch.setattr("thalweg.engine.drivers.driver", late)
    assert len(run.descend().loss_curve) == 2
