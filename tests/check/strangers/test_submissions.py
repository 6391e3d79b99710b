"""The doctor before whole files of strangers: what is found in them, and is it told as it is?

``labels.json`` says what is true of each file, and under ``also`` which rules one optimizer's other settings make.
Every right one was compared with the rule's own formula and every wrong one with the formula and its mistake, by
drivers that know nothing of how files are read.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from thalweg.check.child.messages import Question
from thalweg.check.child.optimizers import examined
from thalweg.check.files import read
from thalweg.check.written import NotCodeError

HERE = Path(__file__).parent
FILES = HERE / "submissions"
LABELS: dict[str, list[dict[str, Any]]] = json.loads((HERE / "labels.json").read_text(encoding="utf-8"))
CASES = [
    pytest.param(file, label, id=f"{file}-{label['name']}", marks=[pytest.mark.deep] if label.get("slow") else [])
    for file, labels in LABELS.items()
    for label in labels
]


@pytest.fixture
def module():
    """What is examined is a module for as long."""
    before = dict(sys.modules)
    path = [*sys.path]
    yield
    sys.path[:] = path
    for name in set(sys.modules) - set(before):
        if name == "examined":
            del sys.modules[name]


@pytest.mark.parametrize(("file", "label"), CASES)
def test_told_as_it_is(file, label, module):
    told, *others = _told(FILES / file, label["name"])
    assert {other["name"]: other["rule"] for other in others} == label.get("also", {})
    assert {other["kind"] for other in others} <= {"right", "same"}
    assert told["kind"] in label["verdict"].split("|"), told["note"]
    if told["kind"] in ("unknown", "cannot_run"):
        return
    assert told["rule"] in label["rule"].split("|")
    if "codes" in label:
        codes = sorted(finding["code"] for finding in told["mistakes"])
        alike = [sorted(set(codes) - {c["code"] for c in told["conventions"]}) for _, *codes in told["equivalent"]]
        assert label["codes"] in [codes, *alike]


def _told(path: Path, name: str | None) -> list[dict[str, Any]]:
    """Return the verdicts on one optimizer: with its own settings, then with each that makes another rule of it."""
    kept: list[Any] = []
    try:
        examined(Question(str(path), name), read(str(path)), kept.append)
    except NotCodeError as error:
        return [{"kind": "cannot_run", "note": str(error)}]
    return [{"name": one["name"], **one["verdict"]} for one in kept]


def test_every_file_has_its_label():
    assert {path.name for path in FILES.iterdir()} == set(LABELS)
