"""The process: how it starts, what it answers to misuse, how it takes an interrupt, a closed pipe, a full disk."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest

import thalweg
from thalweg import __main__ as entry
from thalweg import cli
from thalweg.check.subjects.subject import CannotRun
from thalweg.errors import ThalwegError

COMMAND = [sys.executable, "-m", "thalweg"]
COMMANDS = cli.command.commands


def test_without_a_command_the_help_is_shown(thalweg):
    said = thalweg()
    assert said.status == 0
    assert said.out == thalweg("--help").out
    for name in ("train", "predict", "compare", "rules"):
        assert re.search(rf"^  {name} ", said.out, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_fits_into_80_columns_and_explains_every_option(thalweg, name):
    said = thalweg(name, "--help")
    assert said.status == 0
    assert max(len(line) for line in said.out.splitlines()) <= 80
    assert "Other:" not in said.out
    options = [each for each in COMMANDS[name].params if isinstance(each, click.Option)]
    assert all(each.help for each in options)


def test_the_version_is_that_of_the_package(folder, capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert thalweg.__version__ in capsys.readouterr().out


def test_options_that_messages_name_are_options_there_are():
    groups = [each for each in COMMANDS.values() if isinstance(each, click.Group)]
    commands = [*COMMANDS.values(), *(each for group in groups for each in group.commands.values())]
    there = {name for each in commands for parameter in each.params for name in parameter.opts}
    there |= {"--help", "--version"}
    source = Path(thalweg.__file__).parent
    named = {
        name: path.name
        for path in source.rglob("*.py")
        for name in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", path.read_text(encoding="utf-8"))
    }
    assert {name: path for name, path in named.items() if name not in there} == {}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trian"], "No such command 'trian'"),
        (["train"], "Missing argument 'TABLE'"),
        (["train", "t.csv", "--lrr", "1"], "No such option"),
        (["train", "t.csv", "--lr"], "requires an argument"),
        (["train", "t.csv", "--task", "guess"], "'guess' is not one of"),
        (["train", "t.csv", "more"], "unexpected extra argument"),
        (["compare", "t.csv", "--picture", "gif"], "'gif' is not one of"),
        (["predict", "model"], "Missing argument 'TABLE'"),
        (["train", "dataset:line", "--delimiter", ";"], "--delimiter: is for files"),
        (["train", "t.csv", "--names", "a,b"], "--no-header"),
        (["\x1b[2J"], "No such command"),
    ],
)
def test_misuse_is_answered_with_2_in_the_form_of_all_answers(thalweg, folder, arguments, words):
    (folder / "t.csv").write_text("1,2\n3,4\n")
    said = thalweg(*arguments)
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("error[")
    assert words in said.err
    assert len(said.err.splitlines()) <= 5
    assert all(line.isprintable() for line in said.err.splitlines())


def test_a_typo_in_an_option_is_answered_with_the_nearest(thalweg):
    assert "--optimizer" in thalweg("train", "t.csv", "--optimzer", "adam").err


def test_a_mistake_of_ours_is_one_line_and_a_traceback_only_on_demand(thalweg, monkeypatch):
    from thalweg.exchange import datasets

    def broken(name):
        raise ZeroDivisionError("oh\nno")

    monkeypatch.setattr(datasets, "load", broken)
    said = thalweg("train", "dataset:line")
    assert said.status == 1
    assert said.err.startswith("error[INTERNAL] ZeroDivisionError: oh no\n")
    assert "Traceback" not in said.err
    assert "in broken" in thalweg("train", "dataset:line", "--debug").err


def test_an_answer_has_a_traceback_only_on_demand(thalweg):
    assert "Traceback" not in thalweg("train", "no.csv").err
    said = thalweg("train", "no.csv", "--debug")
    assert (said.status, "Traceback" in said.err) == (6, True)


def test_too_little_memory_is_a_limit(thalweg, monkeypatch):
    from thalweg.exchange import datasets

    def greedy(name):
        raise MemoryError

    monkeypatch.setattr(datasets, "load", greedy)
    said = thalweg("train", "dataset:line")
    assert (said.status, "error[LIMIT-MEMORY]" in said.err) == (8, True)


def test_every_kind_of_answer_has_a_status_of_its_own():
    assert CannotRun.exit_status == 2  # of thalweg check
    kinds = {*ThalwegError.__subclasses__()} - {CannotRun}
    assert {kind.__name__: kind.exit_status for kind in kinds} == {
        "UsageError": 2,
        "DataError": 3,
        "SettingError": 4,
        "FormulaError": 4,
        "DivergedError": 5,
        "StorageError": 6,
        "ModelFileError": 7,
        "LimitError": 8,
    }


@pytest.mark.parametrize(
    ("options", "place"),
    [
        (["train", "--output", "no/model"], "no/model"),
        (["train", "--record", "no/record"], "no/record"),
        (["train", "--output", "sub"], "sub"),
        (["compare", "--output", "file"], "file"),
        (["compare", "--output", "file/below"], "file/below"),
    ],
    ids=str,
)
def test_a_place_that_cannot_be_written_is_named_before_the_work(thalweg, folder, options, place):
    (folder / "sub").mkdir()
    (folder / "file").touch()
    said = thalweg(options[0], "no such table.csv", *options[1:])
    assert (said.status, said.err.split(":")[0]) == (6, f"error[FILE-WRITE] {place}")
    assert sorted(f.name for f in folder.iterdir()) == ["file", "sub"]


# In a process of its own


def test_results_go_to_standard_output_and_the_rest_to_standard_error(folder):
    done = subprocess.run(
        [*COMMAND, "train", "dataset:line", "--epochs", "2"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("linear model of 2 parameters")
    assert done.stderr.startswith("dataset:line: 100 rows")
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout + done.stderr


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
@pytest.mark.parametrize("plain", [False, True])
def test_a_terminal_gets_a_bar_with_the_loss_and_no_color_if_asked(folder, plain):
    ours, theirs = os.openpty()
    command = [*COMMAND, "train", "dataset:diabetes", "--epochs", "200", *["--no-color"] * plain]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    said = b""
    while True:
        try:
            block = os.read(ours, 65536)
        except OSError:
            break
        if not block:
            break
        said += block
    os.close(ours)
    assert process.wait() == 0
    text = said.decode()
    assert re.search(r"\d+/200.* loss 0\.\d+, validation 0\.\d+", text)
    assert bool(re.search(r"\x1b\[[\d;]*3\d", text)) is not plain


def test_an_interrupt_leaves_with_130_and_no_file(folder):
    program = (
        "import sys\nfrom thalweg.cli import main\nfrom thalweg.descent.run import Run\n"
        "begin = Run.begin\n"
        "def begins(*given):\n    Run.begin = begin\n    print('begins', flush=True)\n    return begin(*given)\n"
        "Run.begin = begins\n"
        "main(sys.argv[1:])\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, "train", "dataset:diabetes", "--epochs", "100000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads are at work here
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begins\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err.startswith("dataset:diabetes")
    assert err.endswith("\ninterrupted; nothing is kept: a checkpoint is made after 10 s of learning\n")
    assert "\n\n\n" not in err
    assert "Traceback" not in out + err
    assert list(folder.iterdir()) == []


def test_an_interrupt_while_the_command_line_is_loaded_shows_no_traceback(monkeypatch, capsys):
    class Loading(ModuleType):
        def __getattr__(self, name):
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "thalweg.cli", Loading("thalweg.cli"))
    with pytest.raises(SystemExit) as left:
        entry.main()
    assert (left.value.code, capsys.readouterr()) == (130, ("", "\ninterrupted\n"))


def test_threads_that_end_with_the_process_do_not_hurry_an_interrupt():
    code = (
        "import threading, time\nfrom thalweg.cli.interrupts import leave\n"
        "threading.Thread(target=time.sleep, args=(600,), name='thalweg-team-1', daemon=True).start()\n"
        "try:\n    leave(130)\nfinally:\n    print('tidied')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (130, "tidied\n")


def test_a_reader_that_leaves_early_is_no_mistake(folder):
    subprocess.run([*COMMAND, "train", "dataset:line:rows=20000", "--epochs", "1"], capture_output=True, check=True)
    command = [*COMMAND, "predict", "model.thalweg", "dataset:line:rows=200000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == b"prediction\n"
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_a_matter_of_storage(folder):
    subprocess.run([*COMMAND, "train", "dataset:line", "--epochs", "1"], capture_output=True, check=True)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "predict", "model.thalweg", "dataset:line"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 6
    assert done.stderr.startswith("error[FILE-WRITE] standard output: cannot be written: No space left on device")
