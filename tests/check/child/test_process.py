"""Strangers' code in its process: what it may not do, and that it always ends."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from thalweg.check.child.messages import Limits, Question
from thalweg.check.child.process import Examination

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits are those of POSIX")
GOOD = "def good(w, g, lr=0.1):\n    return w - lr * g\n"


@pytest.fixture
def examined(tmp_path):
    """Examine a text, or one name in it, within a short time."""

    def run(text, name=None, seconds=60.0, memory=2 << 30):
        file = tmp_path / "mine.py"
        file.write_text(text, encoding="utf-8")
        return Examination(Question(str(file), name), Limits(seconds, memory)).answer()

    return run


def notes(answer):
    return {one["name"]: one["verdict"]["note"] for one in answer.diagnoses}


def test_what_harms_is_refused_and_the_rest_is_examined(examined, tmp_path):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        text = f"""
import os, shutil, signal, socket, subprocess
def connects(w, g): socket.create_connection(("127.0.0.1", {listening.getsockname()[1]}))
def looks_up(w, g): socket.getaddrinfo("localhost", 80)
def starts(w, g): subprocess.run(["true"])
def forks(w, g): os.fork()
def shells(w, g): os.system("true")
def kills(w, g): os.kill(os.getppid(), signal.SIGTERM)
def writes(w, g): open({str(tmp_path / "written")!r}, "w")
def removes(w, g): os.remove({str(tmp_path / "mine.py")!r})
def clears(w, g): shutil.rmtree({str(tmp_path)!r})
def keeps_notes(w, g, lr=0.1):
    open("notes.txt", "a").write("here I may")
    return w - lr * g
"""
        answer = examined(text)
    said = notes(answer)
    for name in ("connects", "looks_up", "starts", "forks", "shells", "kills", "writes", "removes", "clears"):
        assert "refused here" in said[name], name
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.py"]
    kinds = {one["name"]: one["verdict"]["kind"] for one in answer.diagnoses}
    assert kinds["keeps_notes"] == "right"


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own walls are Linux's")
def test_the_kernel_refuses_what_goes_round_python(examined, tmp_path):
    from ctypes import CDLL

    if CDLL(None).syscall(444, None, 0, 1) < 1:
        pytest.skip("this kernel has no Landlock")
    text = f"""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def below(w, g):
    if libc.open({str(tmp_path / "below").encode()!r}, os.O_WRONLY | os.O_CREAT, 0o644) < 0:
        raise OSError(ctypes.get_errno(), "refused by the kernel")
"""
    assert "refused by the kernel" in notes(examined(text))["below"]
    assert not (tmp_path / "below").exists()


@pytest.mark.parametrize(
    ("text", "stop", "words", "where"),
    [
        ("def step(w, g):\n    while True:\n        try:\n            1 / 0\n        except:\n            pass\n",
         "time", "did not end within its time limit of 0.5 s", "mine.py:"),
        ("import os\ndef step(w, g): os._exit(0)\n", "crash", "left the process with status 0", "mine.py"),
        ("import ctypes\ndef step(w, g): ctypes.string_at(0)\n", "crash", "crashed (SIGSEGV)", "mine.py"),
        ("import numpy\n", "code", "holds nothing that looks like an update rule", "mine.py"),
        ("def step(w, g):\n    return w -\n", "file", "is not Python", "mine.py:2"),
    ],
    ids=["endless", "left", "crash", "nothing", "syntax"],
)  # fmt: skip
def test_code_that_gives_no_answer_is_answered_for(examined, text, stop, words, where):
    answer = examined(text, seconds=0.5 if stop == "time" else 60.0)
    assert (answer.stop, answer.diagnoses) == (stop, ())
    assert words in answer.reason
    assert answer.where.startswith(where)


def test_code_that_waits_is_ended(examined):
    answer = examined("import time\ndef step(w, g): time.sleep(1000)\n", seconds=0.2)
    assert (answer.stop, answer.reason, answer.where) == (
        "time",
        "did not end within its time limit of 0.2 s",
        "mine.py:2",
    )


def test_code_that_stops_python_itself_is_ended_from_outside(examined, monkeypatch):
    monkeypatch.setattr(Limits, "patience", property(lambda self: 2.0))
    answer = examined("def step(w, g): return w - 10 ** 10 ** 10\n", seconds=0.2)
    assert (answer.stop, answer.reason) == ("time", "gave no sign of life for 2 s")


def test_what_was_examined_before_the_end_is_kept(examined):
    answer = examined(GOOD + "import os\ndef bad(w, g): os._exit(3)\n")
    assert [one["verdict"]["kind"] for one in answer.diagnoses] == ["right"]
    assert answer.reason.startswith("left the process with status 3")


def test_memory_ends_where_the_limit_is(examined):
    text = "def step(w, g):\n    kept = []\n    while True: kept.append(bytes(1 << 26))\n" + GOOD
    answer = examined(text, memory=600 << 20)
    kinds = [one["verdict"]["kind"] for one in answer.diagnoses]
    assert kinds == ["cannot_run", "right"]
    assert "MemoryError" in answer.diagnoses[0]["verdict"]["note"]


def test_an_answer_cannot_be_printed(examined):
    text = """
import os, sys
forged = '\\n0000 {"answer": {"reason": "", "stop": ""}}\\n' * 3
class Loud:
    print(forged)
def step(w, g, lr=0.1):
    print(forged)
    for number in range(1, 20):
        try: os.write(number, forged.encode())
        except OSError: pass
    return w - lr * g
"""
    answer = examined(text)
    assert [one["verdict"]["kind"] for one in answer.diagnoses] == ["right"]
    assert answer.printed.startswith("\n0000")
    assert len(answer.printed) <= 2000


def test_the_environment_is_not_handed_on(examined, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "do not tell")
    text = "import os\ndef step(w, g): raise ValueError(os.environ.get('SECRET_TOKEN', 'nothing'))\n"
    assert "nothing" in notes(examined(text))["step"]


def test_no_folder_is_left_behind(examined, tmp_path, monkeypatch):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    examined("import os\ndef step(w, g):\n    os.mkdir('deep'); open('deep/file', 'w'); os._exit(1)\n")
    assert list(place.iterdir()) == []


def test_the_code_cannot_outlive_the_examination(examined, tmp_path):
    answer = examined("import os\ndef step(w, g): raise ValueError(os.getpid())\n")
    number = int(notes(answer)["step"].rpartition(" ")[2])
    with pytest.raises(ProcessLookupError):
        os.killpg(number, 0)
