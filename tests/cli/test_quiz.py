from __future__ import annotations

import io
import json
import os
import select
import signal
import subprocess
import sys
import time
import unicodedata
from functools import cache
from itertools import islice
from pathlib import Path

import pytest

from thalweg.check.quiz.english import ENGLISH
from thalweg.check.quiz.languages import effect_of
from thalweg.check.quiz.question import Question
from thalweg.check.quiz.rounds import questions

PATIENCE = 120.0  # seconds for a sign of life on a busy machine
SEED = ("--seed", "3", "--questions", "3")


@cache
def asked(count: int = 3, level: int = 1) -> list[Question]:
    return list(islice(questions(3, level=level), count))


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in line)


@pytest.fixture
def answers(folder) -> Path:
    """A letter that is right, a line that is right, and a letter that is wrong."""
    first, second, third = asked()
    wrong = next(letter for letter in "abcd" if letter != third.letter)
    path = folder / "answers.txt"
    path.write_text(f"{first.letter}\n{second.wrong_lines[0]}\n{wrong}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_round_with_answers_is_told_within_80_columns(thalweg, answers, language):
    said = thalweg("quiz", *SEED, "--answers", answers.name, "--language", language)
    assert (said.status, said.err) == (0, "")
    assert max(map(columns, said.out.splitlines())) <= 80
    for question in asked():
        for place, line in enumerate(question.lines, start=1):
            assert f"{place:3}  {line}".rstrip() in said.out
        for line in question.difference:
            assert f"  {line}\n" in said.out


def test_answers_are_marked_and_explained(thalweg, answers):
    out = thalweg("quiz", *SEED, "--answers", answers.name).out
    first, second, third = asked()
    assert f"Right: {ENGLISH.solution(first, with_letter=True)}." in out
    assert out.count("Right: ") == 2
    assert f"No. It is {ENGLISH.solution(third, with_letter=True)}." in out
    assert "2 of 3 right.\nTo look at again:\n" in out
    assert effect_of(second, "en") in " ".join(out.split())


def test_answers_come_through_a_pipe(thalweg, answers, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(answers.read_text(encoding="utf-8")))
    out = thalweg("quiz", *SEED).out
    assert "2 of 3 right." in out
    monkeypatch.setattr(sys, "stdin", io.StringIO(answers.read_text(encoding="utf-8")))
    assert thalweg("quiz", *SEED, "--answers", "-").out == out


def test_as_json_the_solution_comes_with_the_answers_only(thalweg, answers):
    alone = json.loads(thalweg("quiz", *SEED, "--format", "json").out)
    assert [question["lines"] for question in alone["questions"]] == [list(one.lines) for one in asked()]
    assert "solution" not in json.dumps(alone)
    assert "score" not in alone
    marked = json.loads(thalweg("quiz", *SEED, "--format", "json", "--answers", answers.name).out)
    assert marked["score"] == {"right": 2, "of": 3}
    assert [question["right"] for question in marked["questions"]] == [True, True, False]
    assert [question["solution"]["code"] for question in marked["questions"]] == [one.code for one in asked()]
    assert [question["solution"]["effect"] for question in marked["questions"]] == [
        effect_of(one, "en") for one in asked()
    ]


def test_missing_answers_are_wrong_in_json_and_end_the_round_in_text(thalweg, answers):
    answers.write_text("?\n", encoding="utf-8")
    marked = json.loads(thalweg("quiz", *SEED, "--format", "json", "--answers", answers.name).out)
    assert marked["score"] == {"right": 0, "of": 3}
    assert "0 of 1 right." in thalweg("quiz", *SEED, "--answers", answers.name).out


def test_the_third_level_asks_for_the_line(thalweg, folder):
    (question,) = asked(1, level=3)
    (folder / "answers.txt").write_text(f"{question.wrong_lines[0]}\n")
    out = thalweg("quiz", "--seed", "3", "--questions", "1", "--level", "3", "--answers", "answers.txt").out
    assert "In which line is it?" in out
    assert "  a  " not in out
    assert "1 of 1 right." in out
    data = json.loads(thalweg("quiz", "--seed", "3", "--questions", "1", "--level", "3", "--format", "json").out)
    assert "choices" not in data["questions"][0]


def test_questions_can_run_out(thalweg, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("a\n" * 9))
    out = thalweg("quiz", "--rule", "sgd", "--questions", "9").out
    assert "There are no more questions of this kind: 7 in all." in out
    assert " of 7 right." in out


@pytest.mark.parametrize(
    ("arguments", "status", "answer"),
    [
        ([], 2, "asks in a terminal, and there is none"),
        (["--rule", "adm"], 4, "did you mean 'adam'"),
        (["--rule", "ftrl"], 4, "the catalogue has no mistakes in ftrl"),
        (["--rule", "adam", "--about", "backpropagation"], 2, "networks have no rule"),
        (["--answers", "none.txt"], 6, "none.txt: there is no such file"),
        (["--answers", "picture.txt"], 6, "cannot be read as text"),
        (["--questions", "0"], 4, "--questions"),
        (["--seed", "-1"], 4, "--seed"),
        (["--level", "4"], 2, "'4' is not one of '1', '2', '3'"),
    ],
)
def test_what_cannot_be_asked_is_answered(thalweg, folder, monkeypatch, arguments, status, answer):
    (folder / "picture.txt").write_bytes(b"\x89\xff\xfe\x00")
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    said = thalweg("quiz", *arguments)
    assert said.status == status
    assert answer in said.err
    assert len(said.err.splitlines()) <= 5


def waits(process: int) -> bool:
    """Tell whether a process sleeps: after a question, it waits for the answer."""
    return Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"S"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs a system that tells of its processes")
def test_in_a_terminal_it_asks_again_and_ctrl_c_leaves_with_the_score():
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "thalweg", "quiz", *SEED, "--no-color"]
    environment = {**os.environ, "COLUMNS": "80", "TERM": "dumb"}
    running = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads are at work here
    )  # fmt: skip
    os.close(theirs)
    seen = ""

    def until(text: str) -> None:
        nonlocal seen
        while text not in seen:
            assert select.select([ours], [], [], PATIENCE)[0], seen
            seen += os.read(ours, 4096).decode()
        seen = seen.partition(text)[2]

    until("q leaves): ")
    os.write(ours, b"what?\n")
    until("neither a letter nor the number of a line")
    until("q leaves): ")
    os.write(ours, f"{asked(1)[0].letter}\n".encode())
    until("Right: ")
    until("q leaves): ")
    while not waits(running.pid):  # a signal just before that is heard with the next line only
        assert running.poll() is None, seen
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    until("1 of 1 right.")
    until("The same questions again: thalweg quiz --seed 3 --questions 3")
    assert running.wait() == 130
    os.close(ours)
