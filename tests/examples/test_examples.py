"""Every example runs as a reader runs it, prints what it promises, and leaves its picture."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.golden import data

EXAMPLES = Path(__file__).parents[2] / "examples"
PNG, SVG = b"\x89PNG\r\n\x1a\n", b"<?xml"


def run(name: str, folder: Path, data_folder: Path, kind: str = "png") -> dict[str, list[float]]:
    """Run an example in an empty folder; return the numbers of each row of its table, by the row's name."""
    command = [sys.executable, "-W", "error", EXAMPLES / f"{name}.py", "--output", "pictures", "--format", kind]
    environment = {**os.environ, "THALWEG_DATA": str(data_folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in folder.rglob("*") if path.is_file()] == [f"{name}.{kind}"]
    picture = (folder / "pictures" / f"{name}.{kind}").read_bytes()
    assert picture.startswith(PNG if kind == "png" else SVG)
    assert len(picture) > 10_000
    rows = {}
    for line in done.stdout.splitlines():
        label, *cells = re.split(r" {2,}", line.strip())
        found = [re.match(r"-?\d[\d.]*(?:e[+-]?\d+)?", cell) for cell in cells]
        if found and all(found):
            rows[label] = [float(number.group()) for number in found if number]
    return rows


def test_ten_points(tmp_path):
    rows = run("ten_points", tmp_path, tmp_path, kind="svg")
    assert list(rows) == ["gradient descent", "SGD, one point a step", "momentum (average)", "RMSprop", "Adam"]
    for w, b, loss, epochs in rows.values():
        assert (w, b) == pytest.approx((1.967, 1.023), abs=0.01)
        assert loss == pytest.approx(0.00857, abs=2e-5)
        assert 0 < epochs < 100


def test_airfoil(tmp_path):
    rows = run("airfoil", tmp_path, data("airfoil_self_noise.tsv").parent)
    assert list(rows) == ["GD, full batch", "SGD", "momentum", "AdaGrad", "RMSprop", "AdaDelta", "Adam"]
    for _, above, error in rows.values():
        assert 0 <= above < 0.01
        assert 4.5 < error < 4.7
    assert rows["AdaGrad"][1] < rows["GD, full batch"][1] < rows["AdaDelta"][1]


def test_regularisation(tmp_path):
    rows = run("regularisation", tmp_path, tmp_path)  # no data there: the points are drawn
    assert list(rows) == ["nothing", "L2", "dropout"]
    assert all(validation > 87 for _, validation, _ in rows.values())
    assert rows["L2"][1] > rows["nothing"][1]
    assert rows["L2"][2] < rows["nothing"][2] / 5


def test_regularisation_reads_its_points(tmp_path):
    given = data("football_2d.csv").parent
    command = "import sys; sys.path.insert(0, sys.argv[1]); import regularisation as r; s, p = r.points(); print(s, *p)"
    environment = {**os.environ, "THALWEG_DATA": str(given)}
    done = subprocess.run(
        [sys.executable, "-c", command, EXAMPLES], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["football_2d.csv", "train", "val"]


def test_moons(tmp_path):
    rows = run("moons", tmp_path, tmp_path)
    assert list(rows) == ["gradient descent", "momentum (average)", "Adam"]
    assert rows["Adam"][1] < 0.14
    assert rows["Adam"][2] > 93
    assert rows["momentum (average)"] == pytest.approx(rows["gradient descent"], rel=1e-3)
    assert rows["gradient descent"][2] < 90


def test_sine(tmp_path):
    rows = run("sine", tmp_path, tmp_path)
    assert list(rows) == ["gradient descent", "Adam"]
    descent, adam = rows.values()
    assert descent[0] > descent[1] > descent[2] > descent[3]
    assert descent[3] < 0.2
    assert 40 < descent[4] < 55
    assert adam[3] < descent[3]


def test_one_weight(tmp_path):
    rows = run("one_weight", tmp_path, tmp_path)
    assert rows["SGD, one row a step"][:2] == [1.323664, 2.181007]  # as in tests/golden/s004_sgd.json
    full = rows["GD, all rows a step"]
    assert full[2] == pytest.approx(16 / 7 - (9 / 7) * (1 - 0.28 / 3) ** 40, abs=1e-6)
    assert full[3] < rows["SGD, one row a step"][3] < rows["mini-batch, two rows a step"][3]
