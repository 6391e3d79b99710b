from __future__ import annotations

import io
import json
import math
import struct

import pytest
from rich.console import Console

from thalweg.cli.compare import _table
from thalweg.comparison.leaderboard import Leaderboard, Standing

FEW = ("--optimizers", "adam,momentum,gradient_descent,rprop", "--epochs", "8", "--seeds", "2")


def board_of(out: str) -> list[list[str]]:
    """Return the rows of the leaderboard below its header."""
    lines = out.splitlines()
    first = next(k for k, line in enumerate(lines) if line.startswith("──"))
    return [line.split() for line in lines[first + 1 : lines.index("", first)]]


def test_the_best_rule_stands_first_is_marked_and_scored_on_the_test_part(thalweg):
    said = thalweg("compare", "dataset:diabetes", *FEW)
    assert said.status == 0, said.err
    assert "4 rules x 9 rates x 2 seeds: 56 runs of 8 epochs, batches of 32" in said.err
    board = board_of(said.out)
    assert [row[0] == "*" for row in board] == [True, False, False, False]
    losses = [float(row[-5]) for row in board]
    assert losses == sorted(losses)
    winner = board[0][1]
    assert f"\n{winner} at {board[0][2]} on the 88 rows of the test part, median over seeds:\nRMSE " in said.out
    assert said.out.endswith("; in units of target\n")
    assert max(len(line) for line in said.out.splitlines()) <= 80


def test_the_whole_leaderboard_fits_into_80_columns(thalweg, folder):
    said = thalweg("compare", "dataset:circles", "--epochs", "2", "--seeds", "1", "--learning-rates", "0.00316,0.1")
    assert said.status == 0, said.err
    assert "28 rules x 2 rates x 1 seed: 55 runs" in said.err
    assert "rmsprop_centered_momentum" in said.out
    assert max(len(line) for line in said.out.splitlines()) <= 80


def standing(name: str, *, loss: float = 0.69191, rate: float = 3.16e-05) -> Standing:
    return Standing(name, rate, ">", loss, 0.99 * loss, 1.01 * loss, 12.5, 5, 27)


def shown(board: Leaderboard, width: int) -> list[str]:
    text = io.StringIO()
    Console(file=text, width=width, no_color=True).print(_table(board, 3, width))
    return [line.rstrip() for line in text.getvalue().splitlines()]


@pytest.mark.parametrize("loss", [0.69191, 1.2345e-7, 5.5555e12])
@pytest.mark.parametrize("width", range(50, 121, 5))
def test_names_are_whole_at_every_width_and_nothing_is_wider(width, loss):
    lines = shown(Leaderboard((standing("rmsprop_centered_momentum", loss=loss), standing("adam")), 0.7), width)
    assert max(map(len, lines)) <= width
    assert lines[3].startswith("* rmsprop_centered_momentum > 3.16e-05 ")
    assert "…" not in "".join(lines)
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("width", "there", "missing"),
    [
        (100, ["0.685..0.699", "5/27", "to goal"], []),
        (72, ["0.68..0.70", "5/27", "to goal"], []),
        (60, ["5/27", "to goal"], [".."]),
        (55, ["to goal"], ["..", "5/27"]),
    ],
)
def test_a_narrow_terminal_loses_the_spread_first(width, there, missing):
    text = "\n".join(shown(Leaderboard((standing("rmsprop_centered_momentum"),), 0.7), width))
    assert [word for word in there if word not in text] == []
    assert [word for word in missing if word in text] == []


def test_a_name_longer_than_any_of_ours_goes_on_in_the_next_line():
    name = "adam(beta1=0.8,beta2=0.99,epsilon=1e-07)"
    lines = shown(Leaderboard((standing(name),), 0.7), 80)
    assert max(map(len, lines)) <= 80
    assert "".join(line[2:].split(" ")[0] for line in lines[3:]) == name


def test_a_folder_gets_leaderboard_picture_and_all_records(thalweg, folder):
    said = thalweg("compare", "dataset:diabetes", *FEW, "--output", "a/b")
    assert said.status == 0, said.err
    assert sorted(f.name for f in (folder / "a/b").iterdir()) == ["curves.png", "leaderboard.txt", "records.jsonl"]
    assert (folder / "a/b/leaderboard.txt").read_text() in said.out
    picture = (folder / "a/b/curves.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert struct.unpack(">II", picture[16:24]) == (1600, 768)
    first, *lines = (folder / "a/b/records.jsonl").read_text().splitlines()
    heading = json.loads(first)
    assert heading["comparison"]["rates"]["adam"][0] == 3.16e-05
    assert heading["comparison"]["seeds"] == [0, 1]
    assert "numpy" in heading["machine"]
    records = [json.loads(line) for line in lines]
    assert len(records) == 56
    for record in records:
        assert set(record) == {"record", "run", "times", "validation_losses"}
        assert len(record["validation_losses"]) == len(record["times"]["epochs"]) == record["record"]["epochs"] + 1


def test_without_a_name_the_folder_has_one_of_ours_and_it_is_said_last(thalweg, folder):
    said = thalweg("compare", "dataset:line", *FEW)
    assert said.status == 0, said.err
    assert said.err.splitlines()[-1] == "left in thalweg-compare: records.jsonl, leaderboard.txt, curves.png"
    there = sorted(f.name for f in (folder / "thalweg-compare").iterdir())
    assert there == ["curves.png", "leaderboard.txt", "records.jsonl"]
    assert "[default: thalweg-compare]" in " ".join(thalweg("compare", "--help").out.split())


def test_an_earlier_comparison_is_replaced_and_other_files_stay(thalweg, folder):
    assert thalweg("compare", "dataset:line", *FEW).status == 0
    (folder / "thalweg-compare/notes.txt").write_text("mine")
    before = (folder / "thalweg-compare/records.jsonl").read_text()
    assert thalweg("compare", "dataset:line", *FEW, "--seed", "1").status == 0
    assert (folder / "thalweg-compare/records.jsonl").read_text() != before
    assert (folder / "thalweg-compare/notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["records.jsonl", "leaderboard.txt", "curves.svg"])
@pytest.mark.parametrize("output", [[], ["--output", "c"]])
def test_a_file_that_no_comparison_left_is_never_replaced(thalweg, folder, name, output):
    place = folder / (output[1] if output else "thalweg-compare")
    place.mkdir()
    (place / name).write_text("mine")
    said = thalweg("compare", "no such table.csv", *output, "--picture", "svg")
    assert (said.status, said.err.split(":")[0]) == (6, f"error[FILE-WRITE] {place.name}")
    assert f"holds a file {name} that no comparison left there" in said.err
    assert (place / name).read_text() == "mine"
    assert len(list(place.iterdir())) == 1


def test_all_rules_start_alike_under_one_seed(thalweg, folder):
    thalweg("compare", "dataset:moons", "--model", "mlp:4", *FEW, "--output", "c")
    records = [json.loads(line) for line in (folder / "c/records.jsonl").read_text().splitlines()[1:]]
    starts = {seed: {r["validation_losses"][0] for r in records if r["run"]["seed"] == seed} for seed in (0, 1)}
    assert [len(values) for values in starts.values()] == [1, 1]
    assert starts[0] != starts[1]


def test_the_same_command_gives_the_same_bytes_but_for_times(thalweg, folder):
    def run() -> tuple[list[dict], bytes]:
        thalweg("compare", "dataset:diabetes", *FEW, "--output", "c", "--picture", "svg")
        lines = [json.loads(line) for line in (folder / "c/records.jsonl").read_text().splitlines()]
        return [{key: value for key, value in line.items() if key != "times"} for line in lines], (
            folder / "c/curves.svg"
        ).read_bytes()

    first, second = run(), run()
    assert first == second
    assert first[1].startswith(b"<?xml")


def test_rates_rules_and_seeds_can_be_told(thalweg, folder):
    (folder / "mine.py").write_text(
        "import numpy as np\nfrom thalweg import rule\n\n"
        "@rule\ndef slow(theta, g, t, *, learning_rate=0.5):\n    return theta - learning_rate * g / t\n"
    )
    rules = "adam,adam:beta1=0.5,beta2=0.9,mine.py:slow"
    said = thalweg(
        "compare",
        "dataset:line",
        "--optimizers",
        rules,
        "--learning-rates",
        "0.1,0.01",
        "--seeds",
        "3",
        "--epochs",
        "4",
    )
    assert said.status == 0, said.err
    assert "3 rules x 2 rates x 3 seeds: 18 runs" in said.err
    assert {name for name in ("adam", "adam(beta1=0.5,beta2=0.9)", "slow") if f" {name} " in said.out} == {
        "adam",
        "adam(beta1=0.5,beta2=0.9)",
        "slow",
    }


def test_diverged_runs_are_counted_and_the_rest_is_ranked(thalweg):
    said = thalweg(
        "compare", "dataset:diabetes", "--optimizers", "gradient_descent,adam", "--learning-rates", "0.05,100", *FEW[2:]
    )
    assert said.status == 0, said.err
    (row,) = [row for row in board_of(said.out) if "gradient_descent" in row]
    assert row[-1] == "2/4"


def test_nothing_but_divergence_leaves_with_5_and_keeps_the_records(thalweg, folder):
    said = thalweg(
        "compare", "dataset:diabetes", "--optimizers", "gradient_descent,momentum", "--learning-rates", "1e6", *FEW[2:],
        "--output", "c",
    )  # fmt: skip
    assert said.status == 5
    assert "error[DIVERGED] compare: 4 of 4 runs diverged" in said.err
    assert "*" not in said.out
    records = [json.loads(line) for line in (folder / "c/records.jsonl").read_text().splitlines()[1:]]
    assert {r["record"]["status"] for r in records} == {"diverged"}
    assert (folder / "c/curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_rate_is_chosen_on_the_validation_part_and_an_edge_is_marked(thalweg, folder):
    said = thalweg(
        "compare",
        "dataset:diabetes",
        "--optimizers",
        "adam",
        "--learning-rates",
        "1e-5,1e-4",
        *FEW[2:],
        "--output",
        "c",
    )
    records = [json.loads(line) for line in (folder / "c/records.jsonl").read_text().splitlines()[1:]]
    finals = {
        rate: [r["validation_losses"][-1] for r in records if r["run"]["learning_rate"] == rate]
        for rate in (1e-5, 1e-4)
    }
    assert max(finals[1e-4]) < min(finals[1e-5])
    assert "> 0.0001" in said.out
    assert "one beyond it may be better" in said.out


def test_a_goal_can_be_told(thalweg):
    said = thalweg("compare", "dataset:diabetes", *FEW, "--target-loss", "0.4")
    assert "goal  a loss of 0.4000" in said.out


def test_without_matplotlib_one_line_names_the_extra(thalweg, folder, monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "matplotlib" else real(name, *rest)
    )
    said = thalweg("compare", "dataset:line", *FEW, "--output", "c")
    assert said.status == 0
    assert [line for line in said.err.splitlines() if "plot" in line] == [
        "note: no picture without matplotlib: pip install 'thalweg[plot]'"
    ]
    assert sorted(f.name for f in (folder / "c").iterdir()) == ["leaderboard.txt", "records.jsonl"]


def test_a_network_and_classes_are_compared_too(thalweg):
    said = thalweg(
        "compare", "dataset:iris", "--model", "mlp:8", "--optimizers", "adam,lion", *FEW[2:], "--batch-size", "full"
    )
    assert said.status == 0, said.err
    assert "full batch" in said.err
    assert "accuracy" in said.out
    assert not math.isnan(float(said.out.rpartition("log loss ")[2]))
