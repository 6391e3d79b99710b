from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from thalweg.errors import StorageError
from thalweg.exchange.files import atomic_write, check_folder, check_writable, make_folder


def test_the_bytes_arrive_and_nothing_else_is_left(tmp_path):
    atomic_write(tmp_path / "model", b"one")
    atomic_write(tmp_path / "model", b"two")
    assert [(f.name, f.read_bytes()) for f in tmp_path.iterdir()] == [("model", b"two")]


def test_a_link_is_followed_and_stays_a_link(tmp_path):
    (tmp_path / "there").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "there")
    atomic_write(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there").read_bytes() == b"new"


def test_the_file_has_the_permissions_that_the_user_gives_to_new_files(tmp_path):
    mask = os.umask(0o027)
    try:
        atomic_write(tmp_path / "model", b"one")
    finally:
        os.umask(mask)
    assert (tmp_path / "model").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("call", ["fsync", "write", "replace"])
@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()], ids=repr)
def test_a_failure_at_any_call_keeps_the_old_file_and_no_other(tmp_path, monkeypatch, call, failure):
    (tmp_path / "model").write_bytes(b"old")

    def fail(*arguments, **options):
        raise failure

    class Full:
        def __init__(self, handle, mode):
            self.handle = handle

        def __enter__(self):
            return self

        def __exit__(self, *_):
            os.close(self.handle)

        write = flush = fail

    if call == "write":
        monkeypatch.setattr(os, "fdopen", Full)
    elif call == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    expected = StorageError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        atomic_write(tmp_path / "model", b"new")
    assert [(f.name, f.read_bytes()) for f in tmp_path.iterdir()] == [("model", b"old")]


def test_the_content_is_on_the_disk_before_it_has_the_name(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, Path.replace

    def note_fsync(handle):
        calls.append("fsync folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "fsync file")  # noqa: PTH112
        fsync(handle)

    def note_replace(self, target):
        calls.append("replace")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", note_replace)
    atomic_write(tmp_path / "model", b"one")
    assert calls == ["fsync file", "replace", "fsync folder"]


@pytest.mark.parametrize("write", [lambda path: atomic_write(path, b"x"), check_writable], ids=["write", "check"])
@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("missing/model", "there is no such folder"),
        ("folder", "it is a folder"),
        ("pipe", "it is not a file"),
        ("file/model", "Not a directory"),
        ("loop", "cannot be written"),
        ("n\0l", "cannot be written"),
    ],
)
def test_places_that_cannot_be_written_are_named(tmp_path, write, where, words):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    before = sorted(f.name for f in tmp_path.rglob("*"))
    with pytest.raises(StorageError, match=words) as caught:
        write(tmp_path / where)
    assert caught.value.code == "FILE-WRITE"
    assert "\0" not in str(caught.value)
    assert sorted(f.name for f in tmp_path.rglob("*")) == before


def test_a_check_leaves_nothing(tmp_path):
    check_writable(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    assert make_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file"):
        make_folder(tmp_path / "file")


@pytest.mark.parametrize("where", ["file", "file/below", "n\0l", "long" * 100])
def test_a_folder_that_cannot_be_made_is_named_before_the_work(tmp_path, where):
    (tmp_path / "file").touch()
    check_folder(tmp_path / "new" / "below")
    check_folder(tmp_path)
    with pytest.raises(StorageError, match="cannot be written"):
        check_folder(tmp_path / where)
    assert [f.name for f in tmp_path.iterdir()] == ["file"]


def test_a_killed_writer_leaves_the_old_or_the_new_file(tmp_path):
    """The writer dies at a moment of its own choice in the middle of many writes."""
    script = (
        "import os, signal, sys, threading\n"
        "from thalweg.exchange.files import atomic_write\n"
        "threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()\n"
        "k = 0\n"
        "while True:\n"
        "    k += 1\n"
        "    atomic_write(sys.argv[1], bytes([k % 256]) * 100_000)\n"
    )
    atomic_write(tmp_path / "model", bytes(100_000))
    for _ in range(3):
        subprocess.run([sys.executable, "-c", script, str(tmp_path / "model")], check=False)
        content = (tmp_path / "model").read_bytes()
        assert len(content) == 100_000
        assert len(set(content)) == 1
