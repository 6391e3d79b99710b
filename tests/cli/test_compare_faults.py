"""``thalweg compare`` killed, interrupted, out of room, in a terminal and in a pipe."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import resource
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from thalweg.cli.interrupts import clean_stops

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals of POSIX")

COMMAND = [sys.executable, "-m", "thalweg", "compare"]
PLAN = (
    "dataset:diabetes --optimizers adam,gradient_descent,rprop --seeds 4 --batch-size 8 --jobs 1 --output c"
).split()
PATIENCE = 120.0  # seconds for what ends by itself, on a busy machine
#: A comparison that nobody waits for.
ENDLESS = [*PLAN, "--epochs", "1000000"]


def default_signals() -> None:
    """Take Ctrl-C as a shell's child does, also where the tests run in the background, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(folder: Path, arguments: list[str], prepare: Callable[[], None] = default_signals) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=prepare,  # noqa: PLW1509 - no threads are at work here
        env={**os.environ, "COLUMNS": "80"},
    )


def finish(folder: Path, arguments: list[str]) -> tuple[str, str]:
    """Run a comparison to its end; return what it said."""
    out, err = (process := start(folder, arguments)).communicate()
    assert process.returncode == 0, out + err
    return out, err


def wait_for(found: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait until something is there, or fail where the process ends before."""
    while not found():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def ask(path: Path, question: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(path, timeout=60)) as connection:
        return connection.execute(question).fetchall()


def has_units(path: Path) -> bool:
    """Tell whether work on the runs has begun."""
    if not path.exists():
        return False
    try:
        return bool(ask(path, "SELECT unit FROM units"))
    except sqlite3.OperationalError:  # it is being made
        return False


def without_times(page: str) -> str:
    return re.sub(r"[\d.]+ (?:ns|µs|ms|s)\b", "time", page)


def left(folder: Path) -> dict[str, str]:
    return {name: without_times((folder / "c" / name).read_text()) for name in
            ("records.jsonl", "leaderboard.txt", "report.html")}  # fmt: skip


# Killed


@pytest.mark.parametrize(
    ("model", "kills"),
    [
        ("linear", 3),
        pytest.param("linear", 60, marks=pytest.mark.deep),
        pytest.param("mlp:6", 60, marks=pytest.mark.deep),
    ],
)
def test_killed_at_any_time_the_same_command_ends_with_the_same_bytes(tmp_path, kills, model):
    """C1: no finished run is lost or made again, and no bit of the end is another."""
    plan = [*PLAN, "--model", model, "--epochs", "100"]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
    began = time.monotonic()
    out, err = finish(whole, plan)
    lasted = time.monotonic() - began
    # Piped it is quiet, without control characters.
    assert not [sign for sign in out + err if not sign.isprintable() and sign != "\n"]
    assert "training" not in err
    store = broken / "c" / "runs.sqlite"
    random = np.random.default_rng(kills)
    safe: dict[object, object] = {}
    for kill in range(kills):
        process = start(broken, plan)
        if kill % 2:  # in the midst of the work, however long it takes to begin
            with contextlib.suppress(AssertionError):  # there may be none left
                wait_for(lambda: has_units(store), process)
            time.sleep(random.uniform(0, lasted / 4))
        else:
            time.sleep(random.uniform(0.2, lasted))
        process.kill()
        process.communicate()
        if has_units(store):
            assert ask(store, "PRAGMA integrity_check") == [("ok",)]
            records = dict(ask(store, "SELECT hex(arm) || kind || seed, hex(seconds) || hex(payload) FROM records"))
            units = dict(ask(store, "SELECT unit, attempt FROM units WHERE state = 'done'"))
            assert safe.items() <= (records | units).items()
            safe = records | units
    finish(broken, plan)
    records = dict(ask(store, "SELECT hex(arm) || kind || seed, hex(seconds) || hex(payload) FROM records"))
    units = dict(ask(store, "SELECT unit, attempt FROM units WHERE state = 'done'"))
    assert safe.items() <= (records | units).items()
    assert left(broken) == left(whole)
    assert not [file for file in (broken / "c").iterdir() if file.name.endswith(".part")]


@pytest.mark.deep
def test_two_processes_share_one_comparison(tmp_path):
    plan = [*PLAN, "--model", "mlp:6", "--epochs", "60"]
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    for folder in (alone, shared):
        folder.mkdir()
    finish(alone, plan)
    # The second comes when the first is at work; it has a folder of its own, and the same store.
    first = start(shared, plan)
    wait_for(lambda: has_units(shared / "c" / "runs.sqlite"), first)
    second = start(shared, [*plan[:-1], "60", "--output", "d", "--store", "c/runs.sqlite"])
    for process in (first, second):
        out, err = process.communicate()
        assert process.returncode == 0, out + err
    attempts = ask(shared / "c" / "runs.sqlite", "SELECT state, attempt FROM units")
    assert set(attempts) == {("done", 1)}
    assert left(shared) == left(alone)
    assert (shared / "d" / "records.jsonl").read_bytes() == (shared / "c" / "records.jsonl").read_bytes()


# Stopped


@pytest.mark.parametrize(
    ("number", "model"), [(signal.SIGINT, "linear"), (signal.SIGTERM, "mlp:6")], ids=["Ctrl-C", "SIGTERM"]
)
def test_stopped_it_says_how_to_go_on_and_leaves_a_store_and_nothing_half(tmp_path, number, model):
    process = start(tmp_path, [*ENDLESS, "--model", model])
    wait_for(lambda: has_units(tmp_path / "c" / "runs.sqlite"), process)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, err
    assert out == ""
    assert err.endswith("\ninterrupted; finished runs are kept in c/runs.sqlite: the same command goes on from there\n")
    assert "Traceback" not in err
    assert {file.name for file in (tmp_path / "c").iterdir()} == {"runs.sqlite", "runs.sqlite.lock"}
    assert ask(tmp_path / "c" / "runs.sqlite", "PRAGMA integrity_check") == [("ok",)]
    assert ask(tmp_path / "c" / "runs.sqlite", "SELECT state FROM units WHERE state = 'held'") == []


def test_the_second_ctrl_c_ends_it_at_once(tmp_path):
    script = (
        "import time\nfrom thalweg.cli.interrupts import clean_stops\n"
        "def wait():\n    while True: time.sleep(0.01)  # one long sleep would miss a signal just before it\n"
        "with clean_stops():\n"
        "    try:\n        print('ready', flush=True)\n        wait()\n"
        "    except KeyboardInterrupt:\n        print('once', flush=True)\n        wait()\n"
        "    print('never', flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=default_signals,  # noqa: PLW1509 - no threads are at work here
    )
    assert process.stdout is not None
    for said in ("ready\n", "once\n"):
        assert process.stdout.readline() == said
        process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, "")


def test_a_thread_that_nobody_waits_for_does_not_hold_it_up():
    script = (
        "import threading, time\nfrom thalweg.cli.interrupts import leave\n"
        "threading.Thread(target=time.sleep, args=(600,), name='thalweg_0').start()\n"
        "print('said')\nleave(130)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout) == (130, "said\n")


def test_handlers_are_put_back_and_those_of_others_are_left():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with clean_stops():
        for number, handler in before.items():
            taken = handler in (signal.default_int_handler, signal.SIG_DFL)
            assert (signal.getsignal(number) != handler) == taken
    assert {number: signal.getsignal(number) for number in before} == before
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with clean_stops():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before[signal.SIGTERM])


# Out of room, and where no store can be


def test_a_full_disk_under_the_store_is_answered_with_its_name(tmp_path):
    def small_files() -> None:
        default_signals()
        resource.setrlimit(resource.RLIMIT_FSIZE, (48 << 10, 48 << 10))

    process = start(tmp_path, [*PLAN, "--epochs", "60"], small_files)
    out, err = process.communicate()
    assert process.returncode == 6, err
    assert out == ""
    assert "error[STORE-WRITE] " in err
    assert "runs.sqlite" in err.partition("error[STORE-WRITE]")[2].splitlines()[0]
    assert len(err.partition("error[")[2].splitlines()) <= 5
    assert not {"records.jsonl", "leaderboard.txt", "report.html"} & {f.name for f in (tmp_path / "c").iterdir()}
    assert ask(tmp_path / "c" / "runs.sqlite", "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("place", [".", "nowhere/runs.sqlite", "table.csv"])
def test_a_place_where_no_store_can_be_is_answered_before_any_training(thalweg, folder, place, monkeypatch):
    from thalweg.comparison.execution import Execution

    monkeypatch.setattr(Execution, "carry_out", lambda *_: pytest.fail("training has begun"))
    (folder / "table.csv").write_text("a,b\n1,2\n")
    said = thalweg("compare", *PLAN, "--store", place)
    assert said.status == 6
    assert "error[STORE-OPEN]" in said.err
    assert (folder / "table.csv").read_text() == "a,b\n1,2\n"


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_answered_before_any_training(thalweg, folder):
    (folder / "closed").mkdir()
    (folder / "closed").chmod(0o500)
    said = thalweg("compare", *PLAN, "--store", "closed/runs.sqlite")
    assert said.status == 6
    assert "no permission to write there" in said.err


# What is shown meanwhile


def in_terminal(folder: Path, arguments: list[str], columns: int = 80, **environment: str) -> str:
    """Return what a terminal of 24 lines receives."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env={**kept, "TERM": "xterm-256color", **environment},
    )  # fmt: skip
    os.close(theirs)
    received = b""
    with contextlib.suppress(OSError):  # the other end is closed
        while more := os.read(ours, 1 << 16):
            received += more
    os.close(ours)
    assert process.wait() == 0, received.decode()
    return received.decode()


_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def frames(received: str) -> list[str]:
    """Return what the progress line has shown, each state once."""
    pieces = [_CODES.sub("", piece).strip("\n") for piece in re.split(r"\x1b\[2K|\r", received)]
    return list(dict.fromkeys(piece for piece in pieces if re.match(r"(training|timing|testing) ", piece)))


@pytest.mark.parametrize("columns", [80, pytest.param(60, marks=pytest.mark.deep)])
def test_a_terminal_shows_stage_alive_lanes_leader_and_time_left_in_one_line(tmp_path, columns):
    rules = "rmsprop_centered_momentum,adam,gradient_descent"
    received = in_terminal(
        tmp_path,
        [*PLAN, "--optimizers", rules, "--epochs", "1500", "--learning-rates", "0.00316,0.0123,1e9"],
        columns,
    )
    seen = frames(received)
    assert max(map(len, seen)) <= columns
    assert {line.split()[0] for line in seen} == {"training", "timing", "testing"}
    training = [line for line in seen if line.startswith("training")]
    assert all(re.search(r" \d+/\d+ (?:--:--|\d\d:\d\d) left ", line) for line in training)
    if columns == 80:
        assert [line for line in training if re.search(r" left \d+/\d+ alive, best 0\.\d+: ", line)]
    # It clears itself: nothing of it is left above the verdict, and the cursor is back.
    assert "\x1b[2K" in received
    assert received.count("\x1b[?25h") == received.count("\x1b[?25l") > 0
    assert re.search(r"\x1b\[(?:\d+;)*3\d", received)  # it has colours
    tail = received.rpartition("\x1b[2K")[2]
    assert "━" not in tail
    assert " left " not in tail


@pytest.mark.parametrize(
    ("option", "environment"), [(["--no-color"], {}), pytest.param([], {"NO_COLOR": "1"}, marks=pytest.mark.deep)]
)
def test_without_colour_nothing_has_one(tmp_path, option, environment):
    received = in_terminal(tmp_path, [*PLAN, "--epochs", "5", *option], **environment)
    colours = [code for code in re.findall(r"\x1b\[([\d;]*)m", received) if re.search(r"(?:^|;)[34]\d", code)]
    assert colours == []
    assert "\x1b[2K" in received
