from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from thalweg.formulas import catalog
from thalweg.formulas.rules import adam, momentum

RULES = list(catalog.rules())


@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_told_within_80_columns(thalweg, name):
    said = thalweg("explain", name)
    assert said.status == 0
    assert said.err == "an example: --gradients 0.1,-0.2,0.3\n"
    assert max(len(line) for line in said.out.splitlines()) <= 80
    assert said.out.splitlines()[0].startswith(f"{name}(")


def numbers(out: str, text: str) -> list[str]:
    (line,) = [line for line in out.splitlines() if line.strip().startswith(f"{text}  ")][-1:]
    return line.strip().removeprefix(text).split()


def test_updates_stand_side_by_side(thalweg):
    out = thalweg("explain", "adam", "--gradients", "0.1,-0.2,0.3", "--lr", "0.5", "--set", "beta1=0.5").out
    ledger = adam(learning_rate=0.5, beta1=0.5).explain([0.1, -0.2, 0.3])
    for text in ("beta1 * m", "= m", "scale * np.sqrt(v)", "= theta", "theta moved by"):
        values = ledger.values(text.removeprefix("= "))[:, 0]
        assert numbers(out, text) == [f"{value:.4g}" for value in values]
    assert "adam(learning_rate=0.5, beta1=0.5, beta2=0.999, epsilon=1e-08)" in out
    assert numbers(thalweg("explain", "adam:beta1=0.5", "--lr", "0.5").out, "= m") == numbers(out, "= m")


def test_it_speaks_chinese_and_leaves_data_as_they_are(thalweg, folder):
    said = thalweg("explain", "adam", "--language", "zh", "--report", "adam.html")
    assert "\u79fb\u52a8\u4e86" in said.out  # has moved
    assert said.err.endswith("--gradients 0.1,-0.2,0.3\n")
    assert not said.err.splitlines()[-1].startswith("an example")
    page = (folder / "adam.html").read_text(encoding="utf-8")
    assert '<html lang="zh-Hans">' in page
    assert "before the update" not in page
    assert (
        thalweg("explain", "adam", "--language", "zh", "--format", "json").out
        == thalweg("explain", "adam", "--format", "json").out
    )


def test_updates_and_coordinates_can_be_chosen(thalweg):
    given = ("--gradients", "1/2/3/4,5/6/7/8,9/10/11/12", "--theta", "1/2/3/4")
    first = thalweg("explain", "momentum", *given).out
    assert numbers(first, "g") == ["1", "2", "3"]
    assert "Told: update 1 of 3. Others: --step 2, or --steps 1-5." in first
    assert "Told: coordinates 1 to 3 of 4. Others: --coordinates 4." in first
    second = thalweg("explain", "momentum", *given, "--steps", "2-3", "--coordinates", "4").out
    assert numbers(second, "g") == ["8", "12"]
    ledger = momentum.explain([[4.0], [8.0], [12.0]], [4.0])
    assert numbers(second, "= theta") == [f"{value:.4g}" for value in ledger.values("theta")[1:, 0]]
    third = thalweg("explain", "momentum", *given, "--step", "3", "--coordinates", "1-4").out
    assert [line.split() for line in third.splitlines() if line.startswith("g ")] == [
        ["g", "9", "10", "11"],
        ["g", "12"],
    ]


def test_gradients_come_from_files(thalweg, folder):
    wanted = momentum.explain([[1.0, 2.0], [3.0, -4.5]]).to_dict()
    (folder / "plain.csv").write_text("1,2\n3,-4.5\n")
    (folder / "named.csv").write_text("w,b\n1,2\n3,-4.5\n")
    np.save(folder / "array.npy", np.array([[1.0, 2.0], [3.0, -4.5]]))
    for name in ("plain.csv", "named.csv", "array.npy"):
        said = thalweg("explain", "momentum", "--gradients", name, "--format", "json")
        assert json.loads(said.out) == wanted
        assert said.err == ""


def test_the_arithmetic_is_that_of_the_type(thalweg):
    given = ("--gradients", "0.1,-0.2", "--digits", "9")
    ledger = adam.explain(np.array([0.1, -0.2], np.float32))
    out = thalweg("explain", "adam", *given, "--dtype", "float32").out
    assert numbers(out, "= v") == [f"{value:.9g}" for value in ledger.values("v")[:, 0]]
    assert numbers(out, "= v") != numbers(thalweg("explain", "adam", *given).out, "= v")


def test_numbers_stand_near_their_names_on_a_wide_terminal(thalweg, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    out = thalweg("explain", "momentum", "--gradients", "1,2").out
    assert max(len(line) for line in out.splitlines()) <= 80


def test_csv_has_a_line_per_number(thalweg):
    out = thalweg("explain", "adam", "--gradients", "1/2,3/4", "--format", "csv").out
    rows = list(csv.DictReader(io.StringIO(out)))
    ledger = adam.explain([[1.0, 2.0], [3.0, 4.0]])
    found = {(row["t"], row["kind"], row["text"], row["coordinate"]): float(row["value"]) for row in rows}
    assert found["2", "value", "v", "2"] == ledger.values("v")[1, 1]
    assert found["2", "value", "rate", ""] == ledger.values("rate")[1]
    assert len(rows) == sum(2 * (2 if row.coordinates else 1) for row in ledger.rows)
    lines = adam._source.text.splitlines()
    told = {lines[int(row["line"]) - adam._source.first_line].strip() for row in rows if row["line"]}
    assert told == {line.text for line in ledger.lines}


def test_a_rule_of_the_users_own_is_told(thalweg, folder):
    (folder / "mine.py").write_text(
        "import numpy as np\nfrom thalweg import rule\n\n"
        "def softened(x):\n    size = np.abs(x)\n    return x / (size + 1e-3)\n\n"
        "@rule\ndef slow(theta, g, t, *, learning_rate=0.5):\n    return theta - learning_rate * softened(g) / t\n"
    )
    out = thalweg("explain", "mine.py:slow", "--gradients", "1e-3,-1e-3").out
    assert "in softened: size = np.abs(x)" in out
    assert numbers(out, "1e-3's share") == ["50", "%", "50", "%"]
    assert numbers(out, "softened(g)") == ["0.5", "-0.5"]


def test_the_page_is_left_where_it_is_wanted(thalweg, folder):
    pytest.importorskip("jinja2")
    said = thalweg("explain", "adam", "--gradients", "1,2,3,4,5", "--report", "page.html")
    assert said.err == "left the page in page.html\n"
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert "5 updates of 1 coordinate " in page
    assert "thalweg explain adam --gradients 1,2,3,4,5 --report page.html" in page


@pytest.mark.parametrize(
    ("arguments", "status", "answer"),
    [
        (["adm"], 4, "did you mean 'adam'"),
        (["adam", "--gradients", "1,x"], 4, "--gradients: 'x' is not a finite number"),
        (["adam", "--gradients", "1,nan"], 4, "'nan' is not a finite number"),
        (["adam", "--gradients", ","], 4, "--gradients: there is none"),
        (["adam", "--gradients", "1/2,3"], 4, "update 1 has 2 coordinates, update 2 has 1"),
        (["adam", "--gradients", "none.npy"], 6, "none.npy: there is no such file"),
        (["adam", "--gradients", "none.csv"], 6, "there is no such file"),
        (["adam", "--gradients", "words.csv"], 3, "gradients are numbers"),
        (["adam", "--gradients", "torn.npy"], 3, "is not an array of NumPy"),
        (["adam", "--gradients", "cube.npy"], 3, "shape (1, 1, 1)"),
        (["adam", "--gradients", "nan.npy"], 3, "update 2, coordinate 1: is not a finite number"),
        (["adam", "--theta", "1/2"], 4, "--theta: 2 coordinates, and gradients of 1"),
        (["adam", "--gradients", "1e39", "--dtype", "float32"], 4, "--gradients: 1e+39 is too large for float32"),
        (["adam", "--steps", "4"], 4, "--steps: 4: there are updates 1 to 3"),
        (["adam", "--steps", "2-1"], 4, "--steps: 2-1: there are updates 1 to 3"),
        (["adam", "--steps", "a"], 4, "--steps: must be a count such as 3, or 2-5"),
        (["adam", "--coordinates", "2"], 4, "there is one coordinate"),
        (["adam", "--set", "beta1"], 4, "--set: 'beta1' is not a hyperparameter with its number"),
        (["adam", "--set", "beta1=2"], 4, "beta1 of adam"),
        (["adam", "--set", "gamma=2"], 4, "'gamma' is not one of its hyperparameters"),
        (["rprop", "--lr", "1"], 4, "--learning-rate: rprop: 'learning_rate' is not one"),
        (["adam", "--report", "no/page.html"], 6, "there is no such folder"),
    ],
)
def test_what_cannot_be_told_is_answered(thalweg, folder, arguments, status, answer):
    (folder / "words.csv").write_text("a,b\nx,y\nz,w\n")
    (folder / "torn.npy").write_bytes(b"\x93NUMPY")
    np.save(folder / "cube.npy", np.zeros((1, 1, 1)))
    np.save(folder / "nan.npy", np.array([1.0, np.nan]))
    said = thalweg("explain", *arguments)
    assert said.status == status
    assert answer in said.err
    assert len(said.err.splitlines()) <= 5
