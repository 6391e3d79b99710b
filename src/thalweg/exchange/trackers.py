"""Runs sent on to a tracker: MLflow, or TensorBoard's event files (extra ``track``).

A run is plain data, as a store of runs lists it: ``"run"`` (rule, learning rate, seed), ``"record"`` and
``"validation_losses"``. It is known again by its content, so none is sent twice, also after an interruption.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import math
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, final

from thalweg.errors import StorageError
from thalweg.exchange.files import make_folder
from thalweg.exchange.tables.cells import shown

Data = Mapping[str, Any]
_MOST = 1000  # metrics that MLflow takes in one go


class Tracker(Protocol):
    """Takes runs."""

    def send(self, key: str, description: Data, run: Data) -> bool:
        """Send a run of a comparison; False where the tracker has it already.

        Parameters
        ----------
        key : str
            Of the comparison.
        description : mapping
            Of the comparison; ``"table"`` names it.
        run : mapping

        Raises
        ------
        StorageError
            TRACKER-REFUSED with what the tracker says, or FILE-WRITE.
        """


def tracker(name: str, place: str) -> Tracker:
    """Return what sends runs to a tracker.

    Parameters
    ----------
    name : {"mlflow", "tensorboard"}
    place : str
        Address of an MLflow server, or a folder.

    Raises
    ------
    StorageError
        TRACKER-EXTRA where the package is not installed; FILE-WRITE where the folder cannot be made.
    """
    if importlib.util.find_spec(name) is None:
        what = f"sending runs to {_TITLES[name]} needs a package: pip install 'thalweg[track]'"
        raise StorageError("TRACKER-EXTRA", name, what)
    return MLflow(place) if name == "mlflow" else TensorBoard(place)


_TITLES = {"mlflow": "MLflow", "tensorboard": "TensorBoard"}


@final
class MLflow:
    """An experiment for each comparison, a run for each run: parameters, and the loss of every epoch.

    Losses that are not finite are left out. A run that diverged has the status FAILED.
    """

    def __init__(self, place: str) -> None:
        # A server that is not there is told in seconds; MLflow would try for minutes.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        from mlflow import MlflowClient

        self._place = place
        address = place if re.match(r"[a-z-]+:", place) or place == "databricks" else str(Path(place).absolute())
        with self._answering():
            self._client = MlflowClient(tracking_uri=address)
        self._experiments: dict[str, tuple[str, set[str]]] = {}

    def send(self, key: str, description: Data, run: Data) -> bool:
        """Send a run."""
        from mlflow.entities import Metric, Param

        identity = _identity(run)
        with self._answering():
            experiment, there = self._experiment(key, description)
            if identity in there:
                return False
            made = self._client.create_run(experiment, run_name=_label(run), tags={"thalweg.run": identity})
            now = int(1000 * time.time())
            metrics = [
                Metric(name.replace("/", "_"), value, now, epoch)
                for name, curve in _curves(run).items()
                for epoch, value in curve
            ]
            for first in range(0, max(len(metrics), 1), _MOST):
                numbers = [Param(name, value) for name, value in _numbers(run).items()] if not first else []
                self._client.log_batch(made.info.run_id, metrics=metrics[first : first + _MOST], params=numbers)
            # What is not ended, after an interruption say, is sent anew.
            self._client.set_terminated(made.info.run_id, "FAILED" if _diverged(run) else "FINISHED")
        there.add(identity)
        return True

    def _experiment(self, key: str, description: Data) -> tuple[str, set[str]]:
        """Return the experiment of a comparison, made where it is new, and the runs that it has."""
        if key not in self._experiments:
            name = f"thalweg {description.get('table', '')} {key[:8]}"
            found = self._client.get_experiment_by_name(name)
            if found is None:
                tags = {"thalweg.comparison": key, "thalweg.command": str(description.get("command", ""))[:5000]}
                self._experiments[key] = self._client.create_experiment(name, tags=tags), set()
            else:
                self._experiments[key] = found.experiment_id, self._sent(found.experiment_id)
        return self._experiments[key]

    def _sent(self, experiment: str) -> set[str]:
        sent: set[str] = set()
        token = None
        while True:
            runs = self._client.search_runs([experiment], max_results=1000, page_token=token)
            ended = [run for run in runs if run.info.status in ("FINISHED", "FAILED")]
            sent |= {run.data.tags.get("thalweg.run", "") for run in ended}
            token = runs.token
            if not token:
                return sent

    @contextmanager
    def _answering(self) -> Iterator[None]:
        from mlflow.exceptions import MlflowException

        try:
            yield
        except MlflowException as error:
            said = " ".join(str(error).split())
            hint = "Name the address of a server, such as http://localhost:5000."
            raise StorageError(
                "TRACKER-REFUSED", shown(self._place, 200), shown(f"MLflow: {said}", 300), hint
            ) from error


@final
class TensorBoard:
    """A folder of events for each run, below one for each comparison: numbers, and the loss of every epoch.

    Losses that a float32 cannot hold are left out. A folder is there as a whole or not at all.
    """

    def __init__(self, place: str) -> None:
        self._place = make_folder(place)

    def send(self, key: str, description: Data, run: Data) -> bool:
        """Write a run."""
        folder = make_folder(self._place / _file_name(f"{description.get('table', '')} {key[:8]}"))
        target = folder / _file_name(f"{_label(run)} {_identity(run)[:6]}")
        if target.exists():
            return False
        try:
            part = Path(tempfile.mkdtemp(prefix=".part-", dir=folder))
            try:
                _write_events(part, run)
                part.chmod(folder.stat().st_mode)
                part.rename(target)
            except BaseException:
                shutil.rmtree(part, ignore_errors=True)
                raise
        except OSError as error:
            what = f"cannot be written: {shown(error.strerror or str(error), 120)}"
            raise StorageError("FILE-WRITE", shown(str(target), 200), what) from error
        return True


def _write_events(folder: Path, run: Data) -> None:
    """Write a file of events."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    now = time.time()
    start = SessionStartInfo(start_time_secs=now)
    for name, value in _numbers(run).items():
        try:
            start.hparams[name].number_value = float(value)
        except ValueError:
            start.hparams[name].string_value = value
    notes = {
        "_hparams_/session_start_info": HParamsPluginData(session_start_info=start),
        "_hparams_/session_end_info": HParamsPluginData(session_end_info=SessionEndInfo(end_time_secs=now)),
    }
    writer = EventFileWriter(str(folder))
    try:
        for tag, note in notes.items():
            plugin = SummaryMetadata.PluginData(plugin_name="hparams", content=note.SerializeToString())
            value = Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=plugin))
            writer.add_event(Event(wall_time=now, summary=Summary(value=[value])))
        for name, curve in _curves(run, largest=3.4e38).items():
            for epoch, loss in curve:
                value = Summary.Value(tag=name, simple_value=loss)
                writer.add_event(Event(wall_time=now, step=epoch, summary=Summary(value=[value])))
    finally:
        writer.close()


# What is sent


def _curves(run: Data, largest: float = math.inf) -> dict[str, list[tuple[int, float]]]:
    """Return losses by epoch, as far as they are numbers below a bound."""
    named: dict[str, tuple[int, Sequence[float]]] = {
        "loss/training": (1, run["record"]["loss_curve"]),
        "loss/validation": (0, run["validation_losses"]),
    }
    return {
        name: [(epoch, loss) for epoch, loss in enumerate(curve, first) if abs(loss) < largest]
        for name, (first, curve) in named.items()
    }


def _numbers(run: Data) -> dict[str, str]:
    """Return rule, learning rate, seed and settings as flat text."""
    found = {"rule": run["run"]["rule"], "seed": str(run["run"]["seed"])}

    def add(name: str, value: object) -> None:
        if isinstance(value, Mapping):
            for inner, one in value.items():
                add(f"{name}.{inner}", one)
        elif value is not None:
            found[name] = str(value)[:500]

    add("learning_rate", run["run"]["learning_rate"])
    for name, value in run["record"]["settings"].items():
        add(name, value)
    add("status", run["record"]["status"])
    return found


def _label(run: Data) -> str:
    rate = run["run"]["learning_rate"]
    return f"{run['run']['rule']}{'' if rate is None else f' {rate:g}'} seed {run['run']['seed']}"


def _diverged(run: Data) -> bool:
    return run["record"]["status"] == "diverged" or not math.isfinite(run["validation_losses"][-1])


def _identity(run: Data) -> str:
    """Return the SHA-256 of a run, apart from the time it took and the machine."""
    record = {name: value for name, value in run["record"].items() if name not in ("seconds", "machine")}
    return hashlib.sha256(json.dumps({**run, "record": record}, sort_keys=True).encode()).hexdigest()


def _file_name(text: str) -> str:
    """Return text that is the name of a file on every system."""
    return re.sub(r"[^\w.+ -]+", "_", text).strip(". ")[:120] or "_"
