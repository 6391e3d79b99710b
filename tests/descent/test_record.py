"""What a run leaves behind: plain data, the same from the same seed, read back as it was written."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

import thalweg
from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear
from thalweg.descent.record import SCHEMA, Divergence, Record
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.formulas import losses, penalties, rules, schedules

ROWS = Rows.of(np.random.default_rng(0).normal(size=(20, 3)), np.arange(20.0))


def descend(**given: Any) -> Run:
    told = {"optimizer": rules.adam(learning_rate=0.1), "loss": losses.huber, "batch_size": 6, "max_iter": 4, **given}
    return Run(Linear(3), ROWS, Settings(**told), random_state=7, keep_steps=True).descend()


RICH = {
    "penalty": [penalties.elastic_net(alpha=0.1)],
    "schedule": schedules.multi_step(milestones=(1.0, 2.0)),
    "clip_norm": np.float32(0.5),
    "max_iter": np.int64(4),
    "tol": 0.0,
}


@pytest.mark.parametrize(
    "given",
    [{}, RICH, {"optimizer": rules.gradient_descent(learning_rate=1e200), "loss": losses.squared}],
    ids=["plain", "rich", "diverged"],
)
def test_a_record_comes_back_from_json_as_it_was(given: dict[str, Any]) -> None:
    record = descend(**given).record()
    again = Record.from_dict(json.loads(record.to_json()))
    assert again == record
    assert again.to_json() == record.to_json()
    assert again.as_dict() == record.as_dict()


def test_a_record_tells_the_run() -> None:
    run = descend(**RICH)
    record = run.record()
    assert (record.status, record.epochs, record.steps) == ("finished", 4, 16)
    assert record.loss_curve == run.loss_curve
    assert record.step_losses == run.step_losses
    assert len(record.step_losses) == 16
    assert record.schema == SCHEMA
    assert record.settings["optimizer"] == {"name": "adam", **run.settings.optimizer.hyperparameters}
    assert record.settings["loss"] == {"name": "huber", "delta": 1.0}
    assert record.settings["penalty"] == [{"name": "elastic_net", "alpha": 0.1, "l1_ratio": 0.15}]
    assert record.settings["schedule"]["milestones"] == [1.0, 2.0]
    assert (record.settings["dtype"], record.settings["entropy"]) == ("float64", "7")
    assert record.seconds > 0
    assert record.machine["thalweg"] == thalweg.__version__
    assert {"numpy", "numba", "python", "processor"} <= set(record.machine)
    assert record.divergence is None


def test_a_record_of_a_divergence_says_where() -> None:
    record = descend(optimizer=rules.gradient_descent(learning_rate=1e200), loss=losses.squared).record()
    assert record.status == "diverged"
    data = json.loads(record.to_json())
    assert set(data["divergence"]) == {"epoch", "step", "quantity", "message", "layer"}
    assert isinstance(Record.from_dict(data).divergence, Divergence)


def test_a_run_that_is_not_over_counts_as_stopped() -> None:
    run = Run(Linear(3), ROWS, Settings(rules.adam, losses.squared, max_iter=9))
    run.advance(2)
    assert (run.record().status, run.record().epochs) == ("stopped", 2)


def test_the_same_seed_gives_the_same_record_but_for_times() -> None:
    texts = []
    for _ in range(2):
        data = json.loads(descend(**RICH).record().to_json())
        del data["seconds"]
        texts.append(json.dumps(data, sort_keys=True))
    assert texts[0] == texts[1]


def test_numbers_that_are_not_finite_survive_json() -> None:
    record = Record("diverged", 2, 2, [1.0, math.inf], {"bound": -math.inf}, step_losses=[math.nan])
    text = record.to_json()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    again = Record.from_dict(json.loads(text))
    assert again.loss_curve == [1.0, math.inf]
    assert math.isnan(again.step_losses[0])


def test_a_record_of_a_later_version_is_refused() -> None:
    data = json.loads(descend().record().to_json()) | {"schema": SCHEMA + 1}
    with pytest.raises(ValueError, match=f"schema {SCHEMA + 1}; this version reads up to {SCHEMA}"):
        Record.from_dict(data)
