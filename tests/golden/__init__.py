"""Golden numbers: one JSON file per topic, and how to compare with it.

A file says in ``convention`` and ``hyperparameters`` what was computed and lists the values under ``checks``. Each
check carries its own way of comparing; :func:`check` is the one place that knows them all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parent
RUNS_FOR_A_BAND = 200
SHARE_WITHIN_BAND = 0.8

Golden = dict[str, Any]
Check = dict[str, Any]
#: What the project computes for one check of a file.
Answer = Callable[[Golden, Check], Any]


def load(identifier: str) -> Golden:
    """Return the golden file ``identifier`` (its name without ``.json``)."""
    golden: Golden = json.loads((FOLDER / f"{identifier}.json").read_text(encoding="utf-8"))
    if golden["schema"] != 1 or golden["id"] != identifier:
        raise ValueError(f"{identifier}.json has schema {golden['schema']} and id {golden['id']!r}")
    return golden


def data(name: str) -> Path:
    """Return a data file, looked for in the folder THALWEG_DATA, then in ``../shared/data``; skip without it."""
    folders = [Path(os.environ.get("THALWEG_DATA") or FOLDER), FOLDER.parents[2] / "shared" / "data"]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    pytest.skip(f"{name} is neither in the folder THALWEG_DATA nor in ../shared/data")


def find(golden: Golden, name: str) -> Check:
    """Return the one check called ``name``."""
    (found,) = [entry for entry in golden["checks"] if entry["name"] == name]
    return dict(found)


def mistaken(entry: Check) -> Check:
    """Turn a value that reproduces a known mistake into what the right method must not give."""
    if entry["compare"] != "close":
        raise ValueError(f"{entry['name']} compares by {entry['compare']!r}, not by 'close'")
    return {**entry, "compare": "not_close"}


def check(entry: Check, actual: Any) -> None:
    """Compare ``actual`` with one check of a golden file.

    Parameters
    ----------
    entry : dict
        The check: ``compare``, ``expected``, ``tolerance``.
    actual : number, str, nested list, dict or array
        What the project computes, of the same shape as ``expected``. For a band: one value per run.

    Raises
    ------
    AssertionError
        With the name of the check and the worst entry.
    ValueError
        The check cannot be made: another shape, too few runs, an unknown way of comparing.
    """
    name, expected, tolerance = entry["name"], entry["expected"], entry["tolerance"]
    match entry["compare"]:
        case "close":
            excess, where = _worst_excess(name, actual, expected, tolerance)
            if not excess <= 0:  # nan is no agreement
                raise AssertionError(f"{name}: {where}; beyond its tolerance {tolerance} by {excess:.3g}")
        case "not_close":
            excess, where = _worst_excess(name, actual, expected, tolerance)
            if excess <= 0:
                raise AssertionError(f"{name}: reproduces the known mistake ({where})")
        case "equal":
            if _plain(actual) != _plain(expected):
                raise AssertionError(f"{name}: {_plain(actual)!r} is not {expected!r}")
        case "at_most":
            if not _number(name, actual) <= expected:
                raise AssertionError(f"{name}: {actual} is more than {expected}")
        case "between":
            low, high = expected
            if not low <= _number(name, actual) <= high:
                raise AssertionError(f"{name}: {actual} is not between {low} and {high}")
        case "quantile_band":
            _check_band(name, np.asarray(actual, dtype=np.float64), expected)
        case other:
            raise ValueError(f"{name}: unknown comparison {other!r}")


def _worst_excess(name: str, actual: Any, expected: Any, tolerance: dict[str, float]) -> tuple[float, str]:
    """By how much the worst entry misses ``|actual - expected| <= abs + rel * |expected|``, and that entry in words."""
    if isinstance(expected, dict):
        if set(actual) != set(expected):
            raise ValueError(f"{name}: keys {sorted(actual)}, expected {sorted(expected)}")
        return max(
            (_worst_excess(f"{name}[{key}]", actual[key], expected[key], tolerance) for key in expected),
            key=lambda found: np.inf if np.isnan(found[0]) else found[0],
        )
    ours, golden = np.asarray(actual, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    if ours.shape != golden.shape:
        raise ValueError(f"{name}: shape {ours.shape}, expected {golden.shape}")
    excess = np.abs(ours - golden) - (tolerance["abs"] + tolerance["rel"] * np.abs(golden))
    worst = np.unravel_index(np.argmax(excess), excess.shape)  # argmax stops at a nan
    where = f"entry {list(map(int, worst))}: " if worst else ""
    return float(excess[worst]), f"{where}{ours[worst]!r}, expected {golden[worst]!r}"


def _check_band(name: str, runs: np.ndarray[Any, Any], expected: dict[str, float]) -> None:
    if runs.ndim != 1 or runs.size < RUNS_FOR_A_BAND:
        raise ValueError(f"{name}: a band is judged by {RUNS_FOR_A_BAND} runs in a row, got the shape {runs.shape}")
    median = float(np.median(runs))
    if not expected["p35"] <= median <= expected["p65"]:
        raise AssertionError(f"{name}: the median {median} is not between {expected['p35']} and {expected['p65']}")
    share = float(np.mean((runs >= expected["p5"]) & (runs <= expected["p95"])))
    if share < SHARE_WITHIN_BAND:
        raise AssertionError(f"{name}: only {share:.0%} of {runs.size} runs lie between p5 and p95")


def _number(name: str, actual: Any) -> float:
    if np.ndim(actual) != 0:
        raise ValueError(f"{name}: one number is compared, got the shape {np.shape(actual)}")
    return float(actual)


def _plain(value: Any) -> Any:
    """Arrays and tuples as lists, NumPy numbers as Python's."""
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return {key: _plain(inner) for key, inner in value.items()} if isinstance(value, dict) else value
