"""``thalweg runs``: what is kept is listed, shown, exported and deleted, and only what was asked for."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import click
import numpy as np
import pytest
from tests.comparison.outcomes import ARMS, confirmation, outcomes

from thalweg import cli
from thalweg.comparison.outcome import Outcome
from thalweg.comparison.plan import Arm
from thalweg.comparison.store import Store
from thalweg.formulas.rules import adam

SAID = {
    "table": "houses.csv",
    "target": "price",
    "model": "linear model",
    "loss": "squared",
    "rows": {"test": 12, "train": 36, "validation": 12},
    "batch_size": 32,
    "epochs": 5,
    "command": "thalweg compare houses.csv --target price",
}
FIRST, SECOND = "3f2a" * 16, "3f7b" * 16
DEFAULT = Path("thalweg-compare") / "runs.sqlite"


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> Path:
    """A store with two comparisons."""
    path = tmp_path_factory.mktemp("filled") / "runs.sqlite"
    with Store.open(path) as opened:
        first = opened.comparison(FIRST, SAID)
        first.add(reversed(outcomes()))
        first.confirm((arm, confirmation(arm, 0)) for arm in ARMS)
        opened.comparison(SECOND, {**SAID, "table": "flats.csv", "batch_size": None}).add(outcomes(ARMS[:1]))
    return path


@pytest.fixture
def store(folder, filled) -> Path:
    """The same in the usual place."""
    DEFAULT.parent.mkdir()
    return Path(shutil.copy(filled, DEFAULT))


def held(place: Path = DEFAULT) -> dict[str, int]:
    with Store.open(place) as opened:
        return {each.key: each.runs for each in opened.held()}


# To look at


@pytest.mark.parametrize("arguments", [[], ["list"], ["list", DEFAULT], ["list", "--store", DEFAULT]], ids=str)
def test_comparisons_are_listed_within_80_columns(thalweg, store, arguments):
    said = thalweg("runs", *arguments)
    assert (said.status, said.err) == (0, "")
    lines = said.out.splitlines()
    assert max(map(len, lines)) <= 80
    rows = {line.split()[0]: line.split() for line in lines if line.startswith("3f")}
    assert set(rows) == {FIRST[:8], SECOND[:8]}
    assert rows[FIRST[:8]][3:] == ["houses.csv", "price", "linear", "model", "18"]
    assert rows[SECOND[:8]][-1] == "3"
    assert "2 comparisons, 21 runs" in said.out


@pytest.mark.parametrize("arguments", [("list", "thalweg-compare"), ("list", "--store", "thalweg-compare/")])
def test_the_folder_of_a_comparison_names_its_store(thalweg, store, arguments):
    assert thalweg("runs", *arguments) == thalweg("runs", "list")


def test_a_store_in_which_nothing_is_kept_says_so(thalweg, folder):
    Store.open("empty.sqlite").close()
    assert thalweg("runs", "list", "empty.sqlite").out == "No comparison is kept here.\n"


def test_keys_are_shown_as_long_as_it_takes_to_tell_them_apart(thalweg, folder):
    with Store.open("runs.sqlite") as opened:
        for key in ("a" * 64, "a" * 10 + "b" * 54):
            opened.comparison(key, {})
    assert set(re.findall(r"^a\w+", thalweg("runs", "list", "runs.sqlite").out, re.MULTILINE)) == {
        "a" * 11,
        "a" * 10 + "b",
    }


def test_a_name_cannot_repaint_the_terminal(thalweg, folder):
    with Store.open("runs.sqlite") as opened:
        evil = {name: "\x1b[2J[red]\u202e" for name in SAID if name not in ("rows", "batch_size", "epochs")}
        evil["wholes"] = {"\x1b[2Jwide": {"rule": "\x1b[2J", "model": "network 8", "batch_size": 16}}
        opened.comparison("k", evil).add([Outcome(Arm("\x1b[2Jx", ARMS[0].rule, 0.1), 0, *_rest(outcomes()[0]))])
    for command in (["list", "runs.sqlite"], ["show", "k", "--store", "runs.sqlite"]):
        said = thalweg("runs", *command)
        assert said.status == 0
        assert "\x1b" not in said.out
        assert "\u202e" not in said.out
        assert "[red]" in said.out
    assert "wide: \\x1b[2J, network 8, batches of 16" in said.out
    assert "? epochs\n" in said.out  # the batches are those of each


def _rest(run: Outcome):
    return run.record, run.losses


def test_a_comparison_is_shown_rule_by_rule_within_80_columns(thalweg, store):
    said = thalweg("runs", "show", "3f2a")
    assert (said.status, said.err) == (0, "")
    assert max(map(len, said.out.splitlines())) <= 80
    assert FIRST in said.out
    for words in ("houses.csv, predicting price", "train 36, validation 12, test 12", "5 epochs, batches of 32"):
        assert words in said.out
    rows = {line.split("  ")[0].strip(): line.split()[-7:] for line in said.out.splitlines()}
    assert rows["adam"][:5] == ["3", "0.001", "0.1", "9", "0"]
    assert rows["heavy ball"][:5] == ["2", "0.01", "1", "6", "3"]
    assert rows["rprop"][:3] == ["1", "-", "-"]
    medians = {arm: sorted(run.final for run in outcomes([arm]))[1] for arm in ARMS[:3]}
    best = min(medians, key=medians.__getitem__)
    assert rows["adam"][-1] == f"{best.learning_rate:g}"
    assert float(rows["adam"][-2]) == pytest.approx(medians[best], rel=1e-3)


# Which comparison


@pytest.mark.parametrize("command", ["show", "export", "delete"])
@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("zz", "no comparison begins with 'zz'"),
        ("3f", "'3f' is the beginning of 2 comparisons"),
        ("", "'' is the beginning of 2 comparisons"),
        ("'; DROP TABLE runs; --", "no comparison begins with"),
        ("\x1b[2J", r"no comparison begins with '\\x1b[2J'"),
    ],
)
def test_a_key_that_names_none_or_several_is_answered(thalweg, store, command, key, words):
    said = thalweg("runs", command, key, *["--yes"] * (command == "delete"))
    assert (said.status, said.out) == (4, "")
    assert said.err.startswith("error[SETTING-KEY] KEY: ")
    assert words in said.err
    assert FIRST[:8] in said.err
    assert "\x1b" not in said.err
    assert held() == {FIRST: 18, SECOND: 3}


def test_a_whole_key_is_no_beginning_of_another(thalweg, folder):
    with Store.open("runs.sqlite") as opened:
        for key in ("ab", "abc"):
            opened.comparison(key, {}).add(outcomes(ARMS[:1], len(key)))
    assert "3 runs" not in thalweg("runs", "show", "ab", "--store", "runs.sqlite").out


COMMANDS = [["list"], ["show", "a"], ["export"], ["export", "a"], ["delete", "a", "--yes"]]


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_store_that_is_not_there_is_named_and_not_made(thalweg, folder, command):
    said = thalweg("runs", *command)
    assert (said.status, said.out) == (6, "")
    assert said.err.startswith(f"error[STORE-MISSING] {DEFAULT}: ")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS, ids=str)
@pytest.mark.parametrize("content", [b"rule,rate\n" * 200, b"SQLite format 3\0" + bytes(5000)])
def test_a_file_that_is_no_store_is_refused_and_left(thalweg, folder, command, content):
    (folder / "other.sqlite").write_bytes(content)
    said = thalweg("runs", *command, "--store", "other.sqlite")
    assert (said.status, said.out) == (6, "")
    assert said.err.startswith("error[STORE-")
    assert len(said.err.splitlines()) <= 5
    assert (folder / "other.sqlite").read_bytes() == content


# To take elsewhere


def test_csv_has_a_line_for_each_run(thalweg, store):
    said = thalweg("runs", "export", "3f2a")
    assert (said.status, said.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert len(rows) == 18
    for row, run in zip(rows, outcomes(), strict=True):
        assert row["comparison"] == FIRST
        assert (row["rule"], row["seed"], row["status"]) == (run.arm.name, str(run.seed), run.record.status)
        assert row["learning_rate"] == ("" if run.arm.learning_rate is None else repr(run.arm.learning_rate))
        assert (float(row["first_validation_loss"]), float(row["last_validation_loss"])) == (
            run.losses[0],
            run.losses[-1],
        )
        assert float(row["last_training_loss"]) == run.record.loss_curve[-1]
        assert (row["epochs"], row["steps"]) == (str(run.record.epochs), str(run.record.steps))


def test_all_comparisons_are_exported_without_a_key(thalweg, store):
    rows = list(csv.DictReader(io.StringIO(thalweg("runs", "export").out)))
    assert {(row["comparison"], row["rule"]) for row in rows if row["comparison"] == SECOND} == {(SECOND, "adam")}
    assert len(rows) == 21


def test_a_name_in_csv_is_no_formula(thalweg, folder):
    with Store.open("runs.sqlite") as opened:
        arm = Arm("=cmd|' /C calc'!A0", adam(learning_rate=0.1), 0.1)
        opened.comparison("k", {}).add([Outcome(arm, 0, *_rest(outcomes()[0]))])
    (row,) = csv.DictReader(io.StringIO(thalweg("runs", "export", "--store", "runs.sqlite").out))
    assert row["rule"].startswith("'=")


def test_json_lines_are_those_of_the_runs(thalweg, store):
    said = thalweg("runs", "export", "3f2a", "--format", "jsonl", "--output", "runs.jsonl")
    assert (said.status, said.out, said.err) == (0, "", "")
    heading, *lines = Path("runs.jsonl").read_text().splitlines()
    assert json.loads(heading) == {"comparison": SAID, "key": FIRST}
    assert lines[:18] == [run.line() for run in outcomes()]
    confirmations = [json.loads(line)["confirmation"] for line in lines[18:]]
    assert [(each["name"], each["learning_rate"]) for each in confirmations] == [
        (a.name, a.learning_rate) for a in ARMS
    ]
    assert "seconds" not in confirmations[0]
    assert thalweg("runs", "export", "3f2a", "--format", "jsonl").out == Path("runs.jsonl").read_text()


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_the_order_in_which_runs_were_kept_changes_no_byte(thalweg, store, form):
    with Store.open("broken.sqlite") as opened:
        for run in outcomes():
            opened.comparison(FIRST, SAID).add([run])
        opened.comparison(FIRST, SAID).confirm((arm, confirmation(arm, 0)) for arm in ARMS[::-1])
    broken = thalweg("runs", "export", FIRST, "--format", form, "--store", "broken.sqlite")
    assert broken.out == thalweg("runs", "export", FIRST, "--format", form).out


@pytest.mark.parametrize(("place", "words"), [("no/runs.csv", "there is no such folder"), (".", "it is a folder")])
def test_a_place_that_cannot_be_written_is_named(thalweg, store, place, words):
    said = thalweg("runs", "export", "--output", place)
    assert said.status == 6
    assert said.err.startswith("error[FILE-WRITE]")
    assert words in said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["export", "--to", "mlflow"], "--to mlflow needs a place"),
        (["export", "--to", "mlflow", "--format", "csv", "--output", "x"], "a tracker takes no --format"),
        (["export", "--to", "paper", "--output", "x"], "'paper' is not one of"),
        (["export", "--format", "xml"], "'xml' is not one of"),
        (["list", "a.sqlite", "--store", "b.sqlite"], "the store is named twice"),
        (["show"], "Missing argument 'KEY'"),
        (["lst"], "No such command 'lst'"),
    ],
)
def test_misuse_is_answered(thalweg, folder, arguments, words):
    said = thalweg("runs", *arguments)
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("error[USAGE]")
    assert words in said.err


@pytest.mark.parametrize(("name", "title"), [("mlflow", "MLflow"), ("tensorboard", "TensorBoard")])
def test_a_tracker_that_is_not_installed_is_told_with_what_to_install(thalweg, store, monkeypatch, name, title):
    from thalweg.exchange import trackers

    monkeypatch.setattr(trackers.importlib.util, "find_spec", lambda name: None)
    said = thalweg("runs", "export", "--to", name, "--output", "there")
    assert said.status == 6
    assert said.err == (
        f"error[TRACKER-EXTRA] {name}: sending runs to {title} needs a package: pip install 'thalweg[track]'\n"
    )
    assert not Path("there").exists()


# To delete


def test_nothing_is_deleted_where_nobody_can_be_asked(thalweg, store):
    said = thalweg("runs", "delete", "3f2a")
    assert said.status == 2
    assert "Pass --yes" in said.err
    assert held() == {FIRST: 18, SECOND: 3}


@pytest.mark.parametrize("answer", [True, False])
def test_who_is_asked_decides(thalweg, store, monkeypatch, answer):
    asked = []

    def confirm(text, **options):
        asked.append(text)
        return answer

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(click, "confirm", confirm)
    said = thalweg("runs", "delete", "3f2a")
    assert said.status == 0
    assert asked == ["Delete 3f2a3f2a (houses.csv, 18 runs)?"]
    assert said.err == ("deleted 3f2a3f2a (houses.csv, 18 runs)\n" if answer else "nothing is deleted\n")
    assert held() == ({SECOND: 3} if answer else {FIRST: 18, SECOND: 3})


def test_yes_deletes_without_a_question(thalweg, store):
    said = thalweg("runs", "delete", SECOND, "--yes")
    assert (said.status, said.out) == (0, "")
    assert held() == {FIRST: 18}


# Damage


def test_damage_is_a_warning_and_the_rest_is_shown(thalweg, store):
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE records SET payload = x'00' WHERE seed = 2 AND kind = 'run' AND comparison = 1")
        connection.execute("UPDATE comparisons SET description = x'00' WHERE id = 2")
    said = thalweg("runs", "show", "3f2a")
    assert said.status == 0
    assert "12 runs" in said.out
    assert "warning[STORE-DAMAGED] 6 runs in " in said.err
    listed = thalweg("runs", "list")
    assert "warning[STORE-DAMAGED] the description of comparison 3f7b3f7b is damaged" in listed.err
    assert FIRST[:8] in listed.out
    assert "its description is damaged" in thalweg("runs", "show", "3f7b").out


def test_what_is_whole_in_a_damaged_store_is_rescued(thalweg, store):
    store.write_bytes(store.read_bytes()[: -2 * 4096])
    refused = thalweg("runs", "list")
    assert refused.status == 6
    assert f"`thalweg runs rescue {store.resolve()} --store NEW`" in refused.err
    said = thalweg("runs", "rescue", store, "--store", "new.sqlite")
    assert (said.status, said.out) == (0, "")
    assert re.fullmatch(rf"whole in {store}: 2 comparisons, \d+ records; now in new.sqlite\n", said.err)
    assert 0 < held(Path("new.sqlite"))[FIRST] <= 18


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["there.sqlite", "--store", "there.sqlite"], 2, "the two files are the same"),
        (["gone.sqlite", "--store", "new.sqlite"], 6, "error[STORE-MISSING] gone.sqlite: there is no such file"),
        (["there.sqlite", "--store", "new.sqlite"], 6, "nothing in it can be read"),
        (["there.sqlite", "--store", "no/new.sqlite"], 6, "there is no such folder"),
    ],
    ids=str,
)
def test_a_rescue_that_cannot_be_is_answered(thalweg, folder, arguments, status, words):
    (folder / "there.sqlite").write_bytes(b"text\n" * 1000)
    said = thalweg("runs", "rescue", *arguments)
    assert (said.status, said.out) == (status, "")
    assert words in said.err


# From beginning to end


@pytest.mark.deep
def test_a_comparison_that_is_killed_again_and_again_leaves_the_bytes_of_an_unbroken_one(folder):
    compare = [
        *(sys.executable, "-m", "thalweg", "compare", "dataset:diabetes", "--target", "target", "--seeds", "24"),
        *("--epochs", "40", "--batch-size", "4", "--optimizers", "adam,momentum,rmsprop,lion", "--output", "left"),
    ]

    def bytes_left() -> dict[str, bytes]:
        export = [sys.executable, "-m", "thalweg", "runs", "export", "--format", "jsonl", "--store", "left/runs.sqlite"]
        exported = subprocess.run(export, capture_output=True, check=True).stdout
        files = {name: Path("left", name).read_bytes() for name in ("records.jsonl", "leaderboard.txt")}
        return {**files, "exported": exported}

    began = time.monotonic()
    subprocess.run(compare, check=True, capture_output=True)
    took = time.monotonic() - began
    unbroken, counts = bytes_left(), [0]
    shutil.rmtree("left")
    chance = np.random.default_rng(0)
    for _ in range(8):
        process = subprocess.Popen(compare, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(took * chance.uniform(0.3, 0.9))
        process.kill()
        process.wait()
        counts.append(sum(held(Path("left/runs.sqlite")).values()) if Path("left/runs.sqlite").exists() else 0)
    subprocess.run(compare, check=True, capture_output=True)
    assert bytes_left() == unbroken
    assert counts == sorted(counts)
    assert counts[-1] > 0  # some was kept, however often it was killed


# The help


@pytest.mark.parametrize("name", list(cli.command.commands["runs"].commands))
def test_the_help_fits_into_80_columns_and_explains_every_option(thalweg, name):
    said = thalweg("runs", name, "--help")
    assert said.status == 0
    assert max(len(line) for line in said.out.splitlines()) <= 80
    assert "Other:" not in said.out
    command = cli.command.commands["runs"].commands[name]
    assert all(each.help for each in command.params if isinstance(each, click.Option))
