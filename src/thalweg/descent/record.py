"""What a run leaves behind: settings, where it ran, how it went. Plain data with a schema version."""

from __future__ import annotations

import json
import math
import platform
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

SCHEMA = 1

FINISHED, CONVERGED, TARGET, TIME, STOPPED, DIVERGED = "finished", "converged", "target", "time", "stopped", "diverged"


@dataclass(frozen=True)
class Divergence:
    """Where a run left the finite numbers.

    Attributes
    ----------
    epoch, step : int
        Epoch (from 1) and update of the run (from 1) at which it was seen.
    quantity : str
        What went first: ``"loss"``, ``"gradient"``, ``"parameters"``, or ``"loss grew"``.
    message : str
        The same in words.
    layer : int or None
        Layer of a network, from 1, in which it was seen first; None where no layer is to blame.
    """

    epoch: int
    step: int
    quantity: str
    message: str
    layer: int | None = None


@dataclass(frozen=True)
class Record:
    """The account of one run.

    Attributes
    ----------
    status : str
        ``"finished"`` (all epochs), ``"converged"`` (tol), ``"target"``, ``"time"``, ``"stopped"`` (a callback) or
        ``"diverged"``.
    epochs, steps : int
        Epochs and updates made.
    loss_curve : list of float
        Objective of each epoch: mean over its batches, each measured before its update, penalty included.
    step_losses : list of float
        The same for every update, when asked for; else empty.
    settings : dict
        Formulas with their numbers, batches, stops, seed.
    seconds : float
        Time in the loop, compilation apart.
    machine : dict
        Versions of the library and of what it stands on, processor and system.
    """

    status: str
    epochs: int
    steps: int
    loss_curve: list[float]
    settings: dict[str, Any]
    step_losses: list[float] = field(default_factory=list, repr=False)
    divergence: Divergence | None = None
    seconds: float = 0.0
    machine: dict[str, str] = field(default_factory=dict, repr=False)
    schema: int = SCHEMA

    def as_dict(self) -> dict[str, Any]:
        """Return the record as plain data."""
        return asdict(self)

    def to_json(self) -> str:
        """Return the record as JSON; numbers that are not finite are written as strings."""
        return json.dumps(plain(self.as_dict()), indent=1, sort_keys=True, allow_nan=False)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Record:
        """Read a record back from plain data.

        Raises
        ------
        ValueError
            The schema is newer than this library reads.
        """
        if data.get("schema", 0) > SCHEMA:
            raise ValueError(f"record of schema {data['schema']}; this version reads up to {SCHEMA}")
        divergence = data.get("divergence")
        known = {**data, "divergence": Divergence(**divergence) if divergence else None}
        known["loss_curve"] = [float(v) for v in data["loss_curve"]]
        known["step_losses"] = [float(v) for v in data.get("step_losses", [])]
        return cls(**known)


def plain(value: Any) -> Any:
    """Turn NumPy numbers into Python's, and numbers that JSON cannot hold into the strings ``float`` reads."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def machine_information() -> dict[str, str]:
    """Return versions and the machine, for records and benchmarks."""
    return dict(_machine_information())


@lru_cache(maxsize=1)  # looking them up takes longer than a small fit
def _machine_information() -> dict[str, str]:
    from importlib.metadata import version

    from thalweg import __version__

    found = {name: version(name) for name in ("numpy", "scipy", "numba", "scikit-learn")}
    return {
        "thalweg": __version__,
        **found,
        "python": platform.python_version(),
        "system": platform.system(),
        "processor": processor(),
    }


def processor() -> str:
    """Return the processor's name where the system tells it."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
