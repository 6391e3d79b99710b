from __future__ import annotations

import importlib.util
import json

import click
import pytest
from tests.cli.printed import board_of

import thalweg.cli
from thalweg.cli import options
from thalweg.cli.surface import STEPS, compare_surface, without_steps
from thalweg.errors import UsageError

FEW = ("--optimizers", "adam,momentum,gradient_descent,rprop")


@pytest.fixture(autouse=True)
def surfaces_only(monkeypatch):
    """A ``compare`` with the options it has, which takes surfaces only."""
    there = {each.name: each for each in thalweg.cli.compare.params}

    @STEPS
    @options.word("Output", "--report", "FILE", "")
    def new(**told):
        raise NotImplementedError

    for each in new.__click_params__:
        there.setdefault(each.name, each)

    def only_surfaces(table, **told):
        compare_surface(table, told)

    made = options.SectionedCommand("compare", callback=only_surfaces, params=list(there.values()))
    monkeypatch.setitem(thalweg.cli.command.commands, "compare", made)
    assert isinstance(made, click.Command)


def test_the_best_rule_stands_first_and_is_marked(thalweg, folder):
    said = thalweg("compare", "surface:rosenbrock", *FEW)
    assert said.status == 0, said.err
    assert "rosenbrock: from (-1.2, 1), where it is 24.2\nminimum: 0 at (1.00, 1.00)" in said.err
    assert "4 rules x" in said.err
    assert "paths of 200 updates" in said.err
    board = board_of(said.out)
    assert [row[0] == "*" for row in board] == [True, False, False, False]
    assert len(list(folder.iterdir())) == 0  # nothing is left that was not asked for


@pytest.mark.parametrize("name", ["beale", "himmelblau", "quadratic", "rastrigin", "rosenbrock", "saddle"])
def test_all_rules_fit_into_80_columns_with_whole_names(thalweg, name):
    said = thalweg("compare", f"surface:{name}", "--steps", "30")
    assert said.status == 0, said.err
    assert len(board_of(said.out)) == 28
    assert "rmsprop_centered_momentum" in said.out
    assert "…" not in said.out
    lines = said.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line.startswith(("value  ", "above  ", "updates  ", "< >  ")) for line in lines[lines.index("") + 1 :])


def test_steps_and_rates_can_be_told(thalweg, folder):
    said = thalweg(
        "compare", "surface:quadratic:condition=10", "--optimizers", "gradient_descent", "--learning-rates",
        "0.01,0.1,0.3", "--steps", "100", "--output", "c",
    )  # fmt: skip
    assert said.status == 0, said.err
    assert "1 rule x 3 rates: 3 paths of 100 updates\n" in said.err
    assert board_of(said.out) == [["*", "gradient_descent", "0.1", "3.53e-08", "0.00027", "33", "minimum", "1/3"]]
    heading, *paths = [json.loads(line) for line in (folder / "c/records.jsonl").read_text().splitlines()]
    assert heading["comparison"]["surface"] == "quadratic(10)"
    assert heading["comparison"]["rates"] == {"gradient_descent": [0.01, 0.1, 0.3]}
    assert [path["diverged"] for path in paths] == [None, None, 23]  # 2**23 > 1e6 * 8
    assert [len(path["points"]) for path in paths] == [101, 101, 23]
    assert paths[0]["points"][0] == [10.0, 1.0]
    assert paths[1]["values"][1] == pytest.approx(50 * 0.81)
    assert (folder / "c/leaderboard.txt").read_text() in said.out


def test_above_a_minimum_other_than_zero_what_is_left_is_shown(thalweg):
    said = thalweg("compare", "surface:saddle", "--optimizers", "gradient_descent", "--learning-rates", "0.5")
    assert "above" in said.out
    assert board_of(said.out)[0][3] == "0"
    assert "\nabove     the minimum, after 200 updates" in said.out
    stuck = thalweg("compare", "surface:saddle", "--optimizers", "gradient_descent", "--learning-rates", "0.01")
    assert "under way" in stuck.out or "saddle" in stuck.out


def test_a_best_rate_on_the_edge_is_marked(thalweg):
    said = thalweg("compare", "surface:rosenbrock", "--optimizers", "adam", "--learning-rates", "1e-5,1e-4")
    assert "> 0.0001" in said.out
    assert "one beyond it may be better" in said.out


OWN = """
import numpy as np
from thalweg.formulas.surfaces import Surface

def value(x):
    x = np.asarray(x)
    return (x[..., 0] - 1) ** 2 + 3 * x[..., 1] ** 2

def gradient(x):
    x = np.asarray(x)
    return np.stack([2 * (x[..., 0] - 1), 6 * x[..., 1]], axis=-1)

bounds = ((-2.0, 2.0), (-2.0, 2.0))
trough = Surface("trough </script>", value, gradient, ((1.0, 0.0),), 0.0, (-1.0, 1.0), bounds, "Mine.")
"""


def test_a_surface_of_the_users_own_is_taken_from_a_file(thalweg, folder):
    (folder / "mine.py").write_text(OWN)
    said = thalweg("compare", "surface:mine.py:trough", *FEW, "--report", "r.html")
    assert said.status == 0, said.err
    assert "from (-1, 1), where it is 7" in said.err
    assert all(row[-2] in {"minimum", "way"} for row in board_of(said.out))
    assert "<h1>Descents on trough &lt;/script&gt;</h1>" in (folder / "r.html").read_text()


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("rosenbrok", "SETTING-UNKNOWN", ["rosenbrock", "There are: beale, himmelblau, quadratic"]),
        ("", "SETTING-UNKNOWN", ["There are: beale"]),
        ("saddle:condition=3", "SETTING-UNKNOWN", ["condition=3", "surface:quadratic:condition=30"]),
        ("quadratic:condition=x", "SETTING-UNKNOWN", ["surface:quadratic:condition=30"]),
        ("quadratic:condition=0.5", "SURFACE-CONDITION", [">= 1"]),
        ("mine.py:other", "SETTING-UNKNOWN", ["no surface 'other'", "surface:FILE.py:NAME"]),
        ("mine.py:value", "SETTING-TYPE", ["must be a surface"]),
        ("mine.py", "SETTING-UNKNOWN", ["which surface of mine.py"]),
    ],
)
def test_an_unknown_surface_is_answered_with_what_there_is(thalweg, folder, name, code, words):
    (folder / "mine.py").write_text(OWN)
    said = thalweg("compare", f"surface:{name}", *FEW)
    assert said.status == 4
    assert said.err.startswith(f"error[{code}]")
    assert [word for word in words if word not in said.err] == []
    assert len(said.err.splitlines()) <= 5
    assert said.out == ""


def test_a_file_that_is_not_there_is_a_matter_of_files(thalweg):
    said = thalweg("compare", "surface:gone.py:bowl", *FEW)
    assert (said.status, said.err[:16]) == (6, "error[FILE-OPEN]")


@pytest.mark.parametrize(
    "idle",
    [
        ("--target", "y"), ("--model", "mlp:4"), ("--batch-size", "8"), ("--epochs", "30"), ("--seeds", "3"),
        ("--no-header",), ("--schedule", "cosine"), ("--picture", "svg"), ("--target-loss", "0.1"), ("--seed", "0"),
    ],
)  # fmt: skip
def test_options_of_tables_are_refused(thalweg, idle):
    said = thalweg("compare", "surface:saddle", *FEW, *idle)
    assert said.status == 2
    assert said.err.startswith(f"error[OPTION-SURFACE] {idle[0]}: ")


def test_steps_are_refused_on_a_table():
    told = {"steps": None, "epochs": 30}
    without_steps(told)
    assert told == {"epochs": 30}
    with pytest.raises(UsageError, match=r"OPTION-SURFACE.*--steps.*--epochs"):
        without_steps({"steps": 5})


def test_nothing_but_divergence_leaves_with_5(thalweg, folder):
    said = thalweg(
        "compare", "surface:rosenbrock", "--optimizers", "gradient_descent", "--learning-rates", "10,100", "--report",
        "r.html",
    )  # fmt: skip
    assert said.status == 5
    assert "error[DIVERGED] compare: all 2 paths diverged" in said.err
    assert "*" not in said.out
    assert board_of(said.out)[0][-1] == "2/2"
    assert "diverged" in (folder / "r.html").read_text()


def test_the_report_is_one_page_with_the_command(thalweg, folder):
    command = [
        "compare",
        "surface:beale",
        *FEW,
        "--learning-rates",
        "0.01,0.1",
        "--steps",
        "20",
        "--report",
        "my page.html",
    ]
    said = thalweg(*command)
    assert said.status == 0, said.err
    assert said.err.splitlines()[-1] == "left the paths in my page.html"
    text = (folder / "my page.html").read_text()
    assert (
        "thalweg compare surface:beale --optimizers adam,momentum,gradient_descent,rprop "
        "--learning-rates 0.01,0.1 --steps 20 --report &#39;my page.html&#39;" in text
    )
    assert thalweg(*command).status == 0
    assert (folder / "my page.html").read_text() == text


def test_a_report_that_cannot_be_written_is_told_before_any_work(thalweg):
    said = thalweg("compare", "surface:beale", *FEW, "--report", "none/page.html")
    assert (said.status, said.out) == (6, "")
    assert "there is no such folder" in said.err


def test_without_bokeh_the_extra_is_named_before_any_work(thalweg, folder, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "bokeh" else real(name, *rest))
    said = thalweg("compare", "surface:beale", *FEW, "--report", "page.html")
    assert (said.status, said.out) == (2, "")
    assert "pip install 'thalweg[report]'" in said.err
    assert thalweg("compare", "surface:beale", *FEW).status == 0


@pytest.mark.parametrize("name", ["records.jsonl", "leaderboard.txt"])
def test_a_file_that_no_comparison_left_is_never_replaced(thalweg, folder, name):
    (folder / "c").mkdir()
    (folder / "c" / name).write_text("mine")
    said = thalweg("compare", "surface:beale", *FEW, "--output", "c")
    assert (said.status, said.out) == (6, "")
    assert f"holds a file {name} that no comparison left there" in said.err
    assert (folder / "c" / name).read_text() == "mine"


def test_an_earlier_comparison_is_replaced(thalweg, folder):
    for name in ("beale", "saddle"):
        assert thalweg("compare", f"surface:{name}", *FEW, "--output", "c").status == 0
    assert '"surface": "saddle"' in (folder / "c/records.jsonl").read_text()
