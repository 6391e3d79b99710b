"""Runs on their way to a tracker: what is sent, once, and in whole."""

from __future__ import annotations

import copy
import math
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from thalweg.errors import StorageError
from thalweg.exchange import trackers
from thalweg.exchange.trackers import tracker

KEY = "3f2a" * 16
SAID = {"table": "dataset:houses", "command": "thalweg compare dataset:houses"}


def run(seed: int = 0, rate: float | None = 0.01, status: str = "finished", beta1: float = 0.9) -> dict[str, Any]:
    """Return a run as a store lists it."""
    losses = [4.0, 2.5, 1e300, math.inf] if status == "diverged" else [4.0, 2.5, 2.25, 0.5]
    optimizer = {"name": "adam", "learning_rate": rate, "beta1": beta1}
    record = {
        "status": status,
        "epochs": 3,
        "steps": 30,
        "loss_curve": losses[1:],
        "step_losses": [],
        "settings": {"optimizer": optimizer, "batch_size": 32, "penalty": None, "loss": {"name": "squared"}},
        "divergence": None,
        "schema": 1,
        "seconds": 0.5,
        "machine": {"processor": "of paper"},
    }
    return {"run": {"rule": "adam", "learning_rate": rate, "seed": seed}, "record": record, "validation_losses": losses}


# What is said of a run


def test_losses_are_sent_as_far_as_they_are_numbers():
    assert trackers._curves(run(status="diverged")) == {
        "loss/training": [(1, 2.5), (2, 1e300)],
        "loss/validation": [(0, 4.0), (1, 2.5), (2, 1e300)],
    }
    assert trackers._curves(run(status="diverged"), largest=3e38)["loss/training"] == [(1, 2.5)]


def test_numbers_are_flat_text_without_what_is_not_set():
    assert trackers._numbers(run()) == {
        "rule": "adam",
        "learning_rate": "0.01",
        "seed": "0",
        "status": "finished",
        "optimizer.name": "adam",
        "optimizer.learning_rate": "0.01",
        "optimizer.beta1": "0.9",
        "batch_size": "32",
        "loss.name": "squared",
    }


def test_a_run_is_known_again_by_all_that_does_not_differ_from_machine_to_machine():
    other = copy.deepcopy(run())
    other["record"] |= {"seconds": 7.0, "machine": {}}
    assert trackers._identity(other) == trackers._identity(run())
    others = [run(), run(seed=1), run(rate=0.1), run(beta1=0.5), run(status="diverged")]
    assert len({trackers._identity(each) for each in others}) == len(others)


@pytest.mark.parametrize(
    ("text", "name"),
    [("adam 0.01 seed 0", "adam 0.01 seed 0"), ("../../etc", "_.._etc"), ("a:b/c\\d\0e", "a_b_c_d_e"), ("..", "_")],
)
def test_names_of_folders_lead_nowhere_else(text, name):
    assert trackers._file_name(text) == name
    assert len(trackers._file_name(text * 100)) <= 120


@pytest.mark.parametrize("name", ["mlflow", "tensorboard"])
def test_without_its_package_a_tracker_is_told_with_what_to_install(monkeypatch, tmp_path, name):
    monkeypatch.setattr(trackers.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(StorageError, match=r"pip install 'thalweg\[track\]'") as caught:
        tracker(name, str(tmp_path / "there"))
    assert caught.value.code == "TRACKER-EXTRA"
    assert list(tmp_path.iterdir()) == []


# The trackers themselves: they come with the peers


def events(folder: Path) -> tuple[dict[str, list[tuple[int, float]]], dict[str, Any]]:
    """Return the losses by epoch and the hyperparameters that TensorBoard reads."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    read = EventAccumulator(str(folder))
    read.Reload()
    curves = {tag: [(e.step, e.value) for e in read.Scalars(tag)] for tag in read.Tags()["scalars"]}
    notes = HParamsPluginData.FromString(read.PluginTagToContent("hparams")["_hparams_/session_start_info"])
    numbers = {
        name: value.number_value if value.HasField("number_value") else value.string_value
        for name, value in notes.session_start_info.hparams.items()
    }
    return curves, numbers


@pytest.mark.peers
def test_tensorboard_reads_what_was_sent(tmp_path):
    pytest.importorskip("tensorboard")
    receiver = tracker("tensorboard", str(tmp_path / "events"))
    assert [receiver.send(KEY, SAID, each) for each in (run(), run(beta1=0.5), run(1, status="diverged"))] == [True] * 3
    (folder,) = (tmp_path / "events").iterdir()
    assert folder.name == "dataset_houses 3f2a3f2a"
    names = sorted(f.name for f in folder.iterdir())
    assert [name[:-7] for name in names] == ["adam 0.01 seed 0", "adam 0.01 seed 0", "adam 0.01 seed 1"]
    curves, numbers = events(folder / f"adam 0.01 seed 0 {trackers._identity(run())[:6]}")
    assert curves["loss/validation"] == [(0, 4.0), (1, 2.5), (2, 2.25), (3, 0.5)]
    assert curves["loss/training"] == [(1, 2.5), (2, 2.25), (3, 0.5)]
    assert (numbers["rule"], numbers["learning_rate"], numbers["optimizer.beta1"]) == ("adam", 0.01, 0.9)
    assert events(folder / names[2])[0] == {"loss/validation": [(0, 4.0), (1, 2.5)], "loss/training": [(1, 2.5)]}


@pytest.mark.peers
def test_tensorboard_gets_no_run_twice_and_none_in_part(tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    receiver = tracker("tensorboard", str(tmp_path))
    assert receiver.send(KEY, SAID, run()) is True
    assert tracker("tensorboard", str(tmp_path)).send(KEY, SAID, run()) is False
    add, count = EventFileWriter.add_event, iter(range(100))

    def interrupted(self, event):
        if next(count) == 3:
            raise KeyboardInterrupt
        add(self, event)

    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr(EventFileWriter, "add_event", interrupted)
    with pytest.raises(KeyboardInterrupt):
        receiver.send(KEY, SAID, run(1))
    assert sorted(tmp_path.rglob("*")) == before
    monkeypatch.undo()
    assert receiver.send(KEY, SAID, run(1)) is True


@pytest.fixture
def mlflow(monkeypatch) -> Iterator[Any]:
    """MLflow, with its own way of keeping runs in a folder allowed."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    yield pytest.importorskip("mlflow")
    os.environ.pop("MLFLOW_HTTP_REQUEST_MAX_RETRIES", None)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_mlflow_reads_what_was_sent(tmp_path, mlflow):
    receiver = tracker("mlflow", str(tmp_path))
    assert [receiver.send(KEY, SAID, each) for each in (run(), run(1, None), run(2, status="diverged"))] == [True] * 3
    client = mlflow.MlflowClient(tracking_uri=str(tmp_path))
    experiment = client.get_experiment_by_name("thalweg dataset:houses 3f2a3f2a")
    assert experiment.tags["thalweg.comparison"] == KEY
    found = {each.info.run_name: each for each in client.search_runs([experiment.experiment_id])}
    assert {name: each.info.status for name, each in found.items()} == {
        "adam 0.01 seed 0": "FINISHED",
        "adam seed 1": "FINISHED",
        "adam 0.01 seed 2": "FAILED",
    }
    sent = found["adam 0.01 seed 0"]
    assert sent.data.params == trackers._numbers(run())
    history = client.get_metric_history(sent.info.run_id, "loss_validation")
    assert sorted((each.step, each.value) for each in history) == [(0, 4.0), (1, 2.5), (2, 2.25), (3, 0.5)]


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_mlflow_gets_no_run_twice_and_what_was_cut_short_anew(tmp_path, mlflow, monkeypatch):
    receiver = tracker("mlflow", str(tmp_path))
    assert [receiver.send(KEY, SAID, run()), receiver.send(KEY, SAID, run())] == [True, False]
    assert tracker("mlflow", str(tmp_path)).send(KEY, SAID, run()) is False

    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(mlflow.MlflowClient, "log_batch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        receiver.send(KEY, SAID, run(1))
    monkeypatch.undo()
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    assert tracker("mlflow", str(tmp_path)).send(KEY, SAID, run(1)) is True


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_mlflow_takes_more_epochs_than_fit_into_one_message(tmp_path, mlflow):
    long = run()
    long["validation_losses"] = [1 / (k + 1) for k in range(2501)]
    receiver = tracker("mlflow", str(tmp_path))
    assert receiver.send(KEY, SAID, long) is True
    client = mlflow.MlflowClient(tracking_uri=str(tmp_path))
    (found,) = client.search_runs([client.get_experiment_by_name("thalweg dataset:houses 3f2a3f2a").experiment_id])
    assert len(client.get_metric_history(found.info.run_id, "loss_validation")) == 2501


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_a_server_that_is_not_there_is_told_in_one_line(mlflow):
    with socket.socket() as silent:  # it has the number for as long, and does not listen
        silent.bind(("127.0.0.1", 0))
        place = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(StorageError, match="MLflow: API request") as caught:
            tracker("mlflow", place).send(KEY, SAID, run())
    assert (caught.value.code, caught.value.where) == ("TRACKER-REFUSED", place)
    assert len(str(caught.value).splitlines()) == 2
