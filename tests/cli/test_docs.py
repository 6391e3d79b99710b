"""Every command of ``docs/check.md`` runs, and says what stands there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from tests.test_readme import ADAM

TEXT = (Path(__file__).parents[2] / "docs" / "check.md").read_text(encoding="utf-8")
SHOWN: dict[str, str] = dict(re.findall(r"```console\n\$ (thalweg [^\n]+)\n(.*?)```", TEXT, flags=re.DOTALL))
INLINE = [command.replace("\n", " ") for command in re.findall(r"`(thalweg [^`]+)`", TEXT)]
COMMANDS = list(dict.fromkeys([*SHOWN, *INLINE]))

LAYERS = """import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward(params, X):
    A1 = np.tanh(X @ params["W1"] + params["b1"])
    return A1, sigmoid(A1 @ params["W2"] + params["b2"])


def loss(params, X, Y, lam=0.1):
    A2 = forward(params, X)[1]
    data = -np.mean(np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2), axis=1))
    return data + lam / 2 * (np.sum(params["W1"] ** 2) + np.sum(params["W2"] ** 2))


def backward(params, X, Y, lam=0.1):
    A1, A2 = forward(params, X)
    dZ2 = (A2 - Y) / len(X)
    dZ1 = dZ2 @ params["W2"].T * (1 - A1 ** 2)
    return {
        "W1": X.T @ dZ1,
        "b1": dZ1.sum(axis=0),
        "W2": A1.T @ dZ2 + lam * params["W2"],
        "b2": dZ2.sum(axis=0),
    }
"""
CLASS = """def step(w, g, lr=0.1):
    return w + lr * g


def f(x):
    return x**3


def df(x):
    return 2 * x**2
"""


@pytest.fixture
def files(folder: Path) -> Path:
    """Write the files that the page speaks of."""
    (folder / "adam.py").write_text(ADAM, encoding="utf-8")
    (folder / "layers.py").write_text(LAYERS, encoding="utf-8")
    (folder / "submissions").mkdir()
    (folder / "submissions" / "one.py").write_text(CLASS, encoding="utf-8")
    return folder


def status_of(command: str) -> int:
    """Return how a command leaves: all of the files that are examined hold a mistake."""
    examines = command.startswith("thalweg check") and not re.search(r"--list|--explain", command)
    return int(examines)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_runs_and_says_what_is_shown(thalweg, command: str) -> None:
    said = thalweg(*shlex.split(command)[1:])
    assert said.status == status_of(command), said
    place = 0
    for piece in SHOWN.get(command, "").split("...\n"):
        assert piece in said.out[place:]
        place = said.out.index(piece, place) + len(piece)
    assert SHOWN.get(command, "").count("\n") < said.out.count("\n") or command not in SHOWN


def test_the_page_has_commands_of_every_kind() -> None:
    wanted = ("--gradient", "--language zh", "--report", "--format json", "--list", "--explain", "submissions/")
    assert [part for part in wanted if not any(part in command for command in COMMANDS)] == []
    assert len(SHOWN) == 2


@pytest.mark.usefixtures("files")
def test_the_keys_of_the_data_are_in_the_table(thalweg) -> None:
    said = thalweg("check", "--gradient", "submissions/", "--format", "json")
    data = json.loads(said.out)
    (gradient,) = data["gradients"]
    keys = {*data, *gradient, *gradient["blocks"][0], *(key for cause in gradient["causes"] for key in cause)}
    table = TEXT.partition("| key | |")[2]
    assert sorted(key for key in keys - {"notes", "residual"} if f"`{key}`" not in table) == []
