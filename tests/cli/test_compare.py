from __future__ import annotations

import html
import io
import json
import math
import re
import shlex
import shutil
import struct
from pathlib import Path

import pytest
from rich.console import Console
from tests.cli.printed import board_of

from thalweg.cli.leaderboard import leaderboard
from thalweg.comparison.summary import Standing, Summary

FEW = ("--optimizers", "adam,momentum,gradient_descent,rprop", "--epochs", "8", "--seeds", "2")


def widest(out: str) -> int:
    """Return the length of the longest line but for commands, which are one line each, to be pasted."""
    return max(len(line) for line in out.splitlines() if not line.startswith("thalweg compare "))


def test_the_verdict_comes_first_and_the_best_rule_stands_first_and_is_marked(thalweg):
    said = thalweg("compare", "dataset:diabetes", *FEW)
    assert said.status == 0, said.err
    assert "4 rules x 9 rates x 2 seeds: 56 runs of 8 epochs, batches of 32" in said.err
    assert said.out.startswith("On dataset:diabetes ")
    board = board_of(said.out)
    assert board[0][0] == "*"
    losses = [float(row[row.index("..".join(row[-3].split(".."))) - 1]) for row in board]
    assert losses == sorted(losses)
    winner = board[0][1]
    assert f"{winner} reaches RMSE " in " ".join(said.out.split())
    assert said.out.index("On the 88 rows of the test part") < said.out.index("as good")
    assert widest(said.out) <= 80


def test_all_rules_are_compared_unless_some_are_named_and_the_whole_fits_into_80_columns(thalweg, folder):
    said = thalweg("compare", "dataset:circles", "--epochs", "2", "--seeds", "1", "--learning-rates", "0.00316,0.1")
    assert said.status == 0, said.err
    assert "28 rules x 2 rates x 1 seed: 55 runs" in said.err
    assert "rmsprop_centered_momentum" in said.out
    assert widest(said.out) <= 80


def standing(name: str, *, loss: float = 0.69191, rate: float = 3.16e-05) -> Standing:
    return Standing(
        name, rate, ">", loss, 0.99 * loss, 1.01 * loss, loss, loss, (rate, 10 * rate), 12.5, 400.0, (loss,), 5, 27,
        loss, {}, 0.1, (), 1.0,
    )  # fmt: skip


def summary(*standings: Standing) -> Summary:
    alone = tuple((each.name,) for each in standings)
    return Summary(standings, 0.7, alone, (), "validation", "test", 1.0)


def shown(board: Summary, width: int, seeds: int = 3) -> list[str]:
    text = io.StringIO()
    Console(file=text, width=width, no_color=True).print(leaderboard(board, seeds, width))
    return [line.rstrip() for line in text.getvalue().splitlines()]


def test_one_seed_has_no_range():
    board = summary(standing("adam"))
    assert "over 3" in shown(board, 100)[0]
    assert "0.685..0.699" in shown(board, 100)[-1]
    assert "over" not in shown(board, 100, seeds=1)[0]
    assert "0.685..0.699" not in shown(board, 100, seeds=1)[-1]


@pytest.mark.parametrize("loss", [0.69191, 1.2345e-7, 5.5555e12])
@pytest.mark.parametrize("width", range(50, 121, 5))
def test_names_are_whole_at_every_width_and_nothing_is_wider(width, loss):
    lines = shown(summary(standing("rmsprop_centered_momentum", loss=loss), standing("adam")), width)
    assert max(map(len, lines)) <= width
    assert lines[3].startswith("* rmsprop_centered_momentum > 3.16e-05 ")
    assert "…" not in "".join(lines)
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("width", "there", "missing"),
    [
        (100, ["0.685..0.699", "5/27", "to goal", "as good"], []),
        (80, ["5/27", "to goal", "as good"], ["0.68..0.70"]),
        (72, ["to goal", "as good"], ["0.68..0.70", "5/27"]),
        (58, ["to goal"], ["0.68..0.70", "5/27", "as good"]),
        (50, ["0.69"], ["to goal", "0.68..0.70", "5/27", "as good"]),
    ],
)
def test_a_narrow_terminal_loses_the_spread_first(width, there, missing):
    text = "\n".join(shown(summary(standing("rmsprop_centered_momentum")), width))
    assert [word for word in there if word not in text] == []
    assert [word for word in missing if word in text] == []


def test_a_name_longer_than_any_of_ours_goes_on_in_the_next_line():
    name = "adam(beta1=0.8,beta2=0.99,epsilon=1e-07)"
    lines = shown(summary(standing(name)), 80)
    assert max(map(len, lines)) <= 80
    assert "".join(line[2:].split(" ")[0] for line in lines[3:]) == name


LEFT = ["curves.png", "leaderboard.txt", "records.jsonl", "report.html", "runs.sqlite"]


def files(folder: Path) -> list[str]:
    """Return what is in a folder, but for the small file that processes lock while they open the store."""
    return sorted(file.name for file in folder.iterdir() if file.name != "runs.sqlite.lock")


def test_a_folder_gets_report_leaderboard_picture_store_and_all_records(thalweg, folder):
    said = thalweg("compare", "dataset:diabetes", *FEW, "--output", "a/b")
    assert said.status == 0, said.err
    assert files(folder / "a/b") == LEFT
    assert (folder / "a/b/leaderboard.txt").read_text() in said.out
    picture = (folder / "a/b/curves.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert struct.unpack(">II", picture[16:24]) == (1600, 768)
    page = re.sub("<[^>]*>", "", (folder / "a/b/report.html").read_text())
    assert "thalweg compare dataset:diabetes --optimizers adam,momentum,gradient_descent,rprop" in page
    first, *lines = (folder / "a/b/records.jsonl").read_text().splitlines()
    heading = json.loads(first)
    assert heading["comparison"]["rates"]["adam"][0] == 3.16e-05
    assert heading["comparison"]["seeds"] == [0, 1]
    assert "numpy" in heading["machine"]
    records = [json.loads(line) for line in lines]
    assert len(records) == 56
    for record in records:
        assert set(record) == {"record", "run", "validation_losses"}
        assert len(record["validation_losses"]) == record["record"]["epochs"] + 1
        assert not {"seconds", "machine"} & set(record["record"])


def test_without_a_name_the_folder_has_one_of_ours_and_it_is_said_last(thalweg, folder):
    said = thalweg("compare", "dataset:line", *FEW)
    assert said.status == 0, said.err
    assert said.err.splitlines()[-1] == (
        "left in thalweg-compare: report.html, records.jsonl, leaderboard.txt, curves.png, runs.sqlite"
    )
    assert files(folder / "thalweg-compare") == LEFT
    assert "[default: thalweg-compare]" in " ".join(thalweg("compare", "--help").out.split())


def test_report_and_store_may_lie_elsewhere(thalweg, folder):
    (folder / "pages").mkdir()
    said = thalweg("compare", "dataset:line", *FEW, "--report", "pages/line.html", "--store", "mine.sqlite")
    assert said.status == 0, said.err
    assert said.err.splitlines()[-1] == (
        "left in thalweg-compare: records.jsonl, leaderboard.txt, curves.png; report: pages/line.html; "
        "store: mine.sqlite"
    )
    assert files(folder / "thalweg-compare") == ["curves.png", "leaderboard.txt", "records.jsonl"]
    assert (folder / "pages/line.html").stat().st_size > 100_000
    assert (folder / "mine.sqlite").stat().st_size > 0


def test_an_earlier_comparison_is_replaced_and_other_files_stay(thalweg, folder):
    assert thalweg("compare", "dataset:line", *FEW).status == 0
    (folder / "thalweg-compare/notes.txt").write_text("mine")
    before = (folder / "thalweg-compare/records.jsonl").read_text()
    assert thalweg("compare", "dataset:line", *FEW, "--seed", "1").status == 0
    assert (folder / "thalweg-compare/records.jsonl").read_text() != before
    assert (folder / "thalweg-compare/notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["records.jsonl", "leaderboard.txt", "curves.svg", "report.html"])
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


def test_the_same_command_gives_the_same_bytes_with_the_store_and_without(thalweg, folder):
    def run() -> dict[str, bytes]:
        assert thalweg("compare", "dataset:diabetes", *FEW, "--output", "c", "--picture", "svg").status == 0
        return {name: (folder / "c" / name).read_bytes() for name in ("records.jsonl", "leaderboard.txt", "curves.svg")}

    first = run()
    assert first["curves.svg"].startswith(b"<?xml")
    assert run() == first
    (folder / "c/runs.sqlite").unlink()
    assert run() == first


def test_a_command_that_mends_is_one_line_and_mends(thalweg):
    said = thalweg("compare", "dataset:line", "--optimizers", "adam,gradient_descent", "--epochs", "2", "--seeds", "1",
                   "--learning-rates", "1e-8,1e-7")  # fmt: skip
    assert said.out.startswith("This is not a ranking: ")
    (command,) = [line for line in said.out.splitlines() if line.startswith("thalweg compare ")]
    assert widest(said.out) <= 80
    assert thalweg(*shlex.split(command)[1:]).status == 0
    assert said.out.count("also: ") == 0 or "more reason" in said.out


def test_how_many_rates_each_rule_has_can_be_told(thalweg, folder):
    said = thalweg("compare", "dataset:line", "--optimizers", "adam,rprop", "--learning-rates", "4", *FEW[2:])
    assert said.status == 0, said.err
    assert "2 rules x 4 rates x 2 seeds: 10 runs" in said.err
    lines = (folder / "thalweg-compare/records.jsonl").read_text().splitlines()
    rates = json.loads(lines[0])["comparison"]["rates"]["adam"]
    assert rates[0] < 1e-3 < rates[-1]


def test_grids_that_grew_are_told_of(thalweg, folder):
    said = thalweg("compare", "dataset:line", "--optimizers", "adam,gradient_descent", "--epochs", "1", "--seeds", "1",
                   "--learning-rates", "3")  # fmt: skip
    assert said.status == 0, said.err
    (grown,) = [line for line in said.err.splitlines() if line.startswith("grids grown")]
    lines = (folder / "thalweg-compare/records.jsonl").read_text().splitlines()
    assert grown.endswith(f": {len(lines) - 1} runs in all")


@pytest.mark.parametrize("jobs", [1, 3])
def test_the_number_of_threads_changes_no_byte(thalweg, folder, jobs):
    told = ["compare", "dataset:moons", "--model", "mlp:4", "--optimizers", "adam,lion", *FEW[2:], "--output"]
    assert thalweg(*told, "usual").status == 0
    assert thalweg(*told, "other", "--jobs", jobs).status == 0
    for name in ("records.jsonl", "leaderboard.txt", "curves.png"):
        usual, other = ((folder / place / name).read_bytes() for place in ("usual", "other"))
        assert other.replace(b"--output other --jobs %d" % jobs, b"--output usual") == usual


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
    assert {row[1] if row[0] == "*" else row[0] for row in board_of(said.out)} == {
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
    assert files(folder / "c") == LEFT
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
    assert files(folder / "c") == ["leaderboard.txt", "records.jsonl", "report.html", "runs.sqlite"]


def test_a_network_and_classes_are_compared_too(thalweg):
    said = thalweg(
        "compare", "dataset:iris", "--model", "mlp:8", "--optimizers", "adam,lion", *FEW[2:], "--batch-size", "full"
    )
    assert said.status == 0, said.err
    assert "full batch" in said.err
    (reached,) = re.findall(r"reaches\s+accuracy ([\d.]+),\s+log\s+loss ([\d.]+)", said.out)
    assert 0 < float(reached[0]) <= 1
    assert float(reached[1]) < math.log(3)


def test_the_command_that_the_page_shows_makes_the_comparison_again_whatever_things_are_called(thalweg, folder):
    (folder / "my 'rules'.py").write_text(
        "from thalweg import rule\n\n\n@rule\ndef mine(theta, g, t, *, learning_rate=0.1):\n"
        "    return theta - learning_rate * g / t\n"
    )
    lines = [f"{k % 7},{k % 3},{k % 7 + 0.5 * (k % 3) + 0.01 * (k % 11)}" for k in range(60)]
    (folder / "two words \"and\" 'more'.csv").write_text("\n".join(['a,"b ""b"" <i>",it\'s $y', *lines]))
    told = ["two words \"and\" 'more'.csv", "--target", "it's $y", "--optimizers", "my 'rules'.py:mine,adam:beta1=0.5"]
    said = thalweg("compare", *told, *FEW[2:], "--output", "my folder")
    assert said.status == 0, said.err
    page = (folder / "my folder/report.html").read_text()
    (shown,) = re.findall(r"<code[^>]*>((?:(?!</code>).)*compare(?:(?!</code>).)*)</code>", page, flags=re.DOTALL)
    words = shlex.split(html.unescape(re.sub("<[^>]*>", "", shown)))
    assert words == ["thalweg", "compare", *told, *FEW[2:], "--output", "my folder"]
    first = {name: (folder / "my folder" / name).read_bytes() for name in ("records.jsonl", "leaderboard.txt")}
    shutil.rmtree(folder / "my folder")
    assert thalweg(*words[1:]).status == 0
    assert {name: (folder / "my folder" / name).read_bytes() for name in first} == first
