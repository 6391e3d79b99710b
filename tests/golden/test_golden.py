"""The comparer itself: what it lets pass and what it does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.golden import FOLDER, check, find, load, mistaken

TOLERANCE = {"rel": 0.1, "abs": 0.5}
BAND = {"p5": 0.0, "p35": 4.0, "p65": 6.0, "p95": 10.0}
SPREAD = np.linspace(0.1, 9.9, 200)


def entry(compare: str, expected: Any, tolerance: Any = TOLERANCE) -> dict[str, Any]:
    return {"name": "it", "compare": compare, "expected": expected, "tolerance": tolerance}


AGREE = {
    "close, near the edge": (entry("close", [1.0, -10.0]), [1.59, -8.51]),
    "close, nested": (entry("close", [[1.0], [2.0]]), np.array([[1.1], [1.9]])),
    "close, of an object": (entry("close", {"a": 1.0, "b": [2.0]}), {"a": 1.2, "b": [2.0]}),
    "not close in one entry": (entry("not_close", [1.0, 2.0]), [1.0, 3.0]),
    "not close by a nan": (entry("not_close", 1.0), float("nan")),
    "equal": (entry("equal", [1, 2.5, "a"], None), (np.int64(1), 2.5, "a")),
    "at most": (entry("at_most", 1e-7, None), 1e-7),
    "between": (entry("between", [0.2, 0.4], None), np.float32(0.3)),
    "in the band": (entry("quantile_band", BAND, None), SPREAD),
}
DISAGREE = {
    "close, a little too far": (entry("close", [1.0, -10.0]), [1.0, -8.4]),
    "close, in the second key": (entry("close", {"a": 1.0, "b": 2.0}), {"a": 1.0, "b": 9.0}),
    "close by a nan": (entry("close", [1.0, 2.0]), [1.0, float("nan")]),
    "close by a nan in an object": (entry("close", {"a": 1.0, "b": 2.0}), {"a": float("nan"), "b": 2.0}),
    "not close, yet equal": (entry("not_close", [1.0, 2.0]), [1.0, 2.0]),
    "equal but for the last bit": (entry("equal", 0.3, None), 0.1 + 0.2),
    "at most": (entry("at_most", 1e-7, None), 1.1e-7),
    "at most by a nan": (entry("at_most", 1e-7, None), float("nan")),
    "between": (entry("between", [0.2, 0.4], None), 0.41),
    "the band's median": (entry("quantile_band", BAND, None), SPREAD * 0.75),
    "the band's width": (entry("quantile_band", BAND, None), 5 + (SPREAD - 5) * 2),
    "the band by nan": (entry("quantile_band", BAND, None), np.full(200, np.nan)),
}
IMPOSSIBLE = {
    "another shape": (entry("close", [1.0, 2.0]), [1.0]),
    "another shape is not a mistake found": (entry("not_close", [1.0, 2.0]), [1.0]),
    "other keys": (entry("close", {"a": 1.0}), {"b": 1.0}),
    "too few runs": (entry("quantile_band", BAND, None), SPREAD[::10]),
    "a list where one number stands": (entry("at_most", 1.0, None), [0.5, 0.6]),
    "unknown": (entry("nearly", 1.0), 1.0),
}


@pytest.mark.parametrize(("golden", "actual"), AGREE.values(), ids=AGREE)
def test_what_agrees_passes(golden: dict[str, Any], actual: Any) -> None:
    check(golden, actual)


@pytest.mark.parametrize(("golden", "actual"), DISAGREE.values(), ids=DISAGREE)
def test_what_disagrees_is_named(golden: dict[str, Any], actual: Any) -> None:
    with pytest.raises(AssertionError, match="it"):
        check(golden, actual)


@pytest.mark.parametrize(("golden", "actual"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_cannot_be_compared_is_refused(golden: dict[str, Any], actual: Any) -> None:
    with pytest.raises(ValueError, match="it"):
        check(golden, actual)


def test_a_mistake_is_told_from_the_right_value() -> None:
    reproduced = entry("close", [1.0])
    check(reproduced, [1.0])
    with pytest.raises(AssertionError, match="known mistake"):
        check(mistaken(reproduced), [1.0])


def test_only_a_close_check_can_be_a_mistake() -> None:
    with pytest.raises(ValueError, match="between"):
        mistaken(entry("between", [0.0, 1.0], None))


@pytest.mark.parametrize("identifier", sorted(path.stem for path in FOLDER.glob("*.json")))
def test_every_file_loads_and_its_checks_have_names_of_their_own(identifier: str) -> None:
    golden = load(identifier)
    names = [entry["name"] for entry in golden["checks"]]
    assert [find(golden, name)["name"] for name in names] == names
