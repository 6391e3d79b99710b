"""The file of a store: where it may be, what is refused and left as it was, what damage and full disks do to it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from tests.comparison.outcomes import ARMS, confirmation, many_arms, outcome, outcomes
from tests.comparison.stores.make import FOLDER, KEY, SAID, listed

from thalweg.comparison.store import Store, database, place
from thalweg.errors import StorageError

ROOT = Path(__file__).parents[2]
WHOLE = {(run.arm, run.seed): run for run in outcomes()}


def fill(path: Path) -> Path:
    with Store.open(path) as store:
        comparison = store.comparison(KEY, SAID)
        comparison.add(outcomes())
        comparison.confirm((arm, confirmation(arm, 0)) for arm in ARMS)
    return path


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> Path:
    """A store with runs, closed."""
    return fill(tmp_path_factory.mktemp("filled") / "runs.sqlite")


@pytest.fixture
def copied(filled, tmp_path) -> Path:
    return Path(shutil.copy(filled, tmp_path / "runs.sqlite"))


def files(folder: Path) -> dict[str, bytes]:
    return {f.name: f.read_bytes() for f in folder.iterdir() if f.is_file() and f.suffix != ".lock"}


# Places


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("missing/runs.sqlite", "there is no such folder"),
        ("folder", "it is a folder"),
        ("pipe", "it is not a file"),
        ("file/runs.sqlite", "Not a directory"),
        ("loop", "cannot be opened as a store"),
        ("n\0l", "cannot be opened as a store"),
        ("long" * 100, "File name too long"),
    ],
)
def test_a_place_where_no_store_can_be_is_named(tmp_path, where, words):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    before = sorted(f.name for f in tmp_path.rglob("*"))
    with pytest.raises(StorageError, match=words) as caught:
        Store.open(tmp_path / where)
    assert (caught.value.code, caught.value.exit_status) == ("STORE-OPEN", 6)
    assert "\0" not in str(caught.value)
    assert sorted(f.name for f in tmp_path.rglob("*")) == before


@pytest.mark.parametrize("error", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL], ids=errno.errorcode.get)
@pytest.mark.parametrize("there", [False, True])
def test_a_file_system_without_locks_is_named_at_once(copied, monkeypatch, error, there):
    fcntl = pytest.importorskip("fcntl")

    def fail(*arguments):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(fcntl, "lockf", fail)
    path = copied if there else copied.with_name("new.sqlite")
    before = files(copied.parent)
    with pytest.raises(StorageError, match="its file system has no locks") as caught:
        Store.open(path)
    assert caught.value.code == "STORE-OPEN"
    assert files(copied.parent) == before


def test_a_link_is_followed(copied):
    (link := copied.with_name("link")).symlink_to(copied.name)
    with Store.open(link) as store:
        assert store.comparison(KEY, SAID).finished(ARMS) == WHOLE
    assert link.is_symlink()
    assert not link.with_name("link.lock").exists()


@pytest.mark.parametrize("name", ["a b.sqlite", "50%?x=1#y.sqlite", "dürr.sqlite", "-"])
def test_any_name_of_a_file_will_do(tmp_path, name):
    assert fill(tmp_path / name).is_file()
    with Store.open(tmp_path / name) as store:
        assert store.comparison(KEY, SAID).finished(ARMS) == WHOLE
    assert sorted(f.name for f in tmp_path.iterdir()) == sorted([name, f"{name}.lock"])


def test_a_store_that_has_to_be_there_is_not_made(tmp_path):
    with pytest.raises(StorageError, match="there is no store") as caught:
        Store.open(tmp_path / "runs.sqlite", new=False)
    assert caught.value.code == "STORE-MISSING"
    assert list(tmp_path.iterdir()) == []


# Other files, other versions


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE photos (name TEXT)")


def foreign_with_a_name(path: Path) -> None:
    foreign(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA application_id = 1234")


def newer(path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA user_version = 7")
        connection.execute("ALTER TABLE records RENAME TO outcomes")


def older_than_the_first(path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA user_version = 0")


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        (lambda path: path.write_bytes(np.random.default_rng(0).bytes(5000)), "STORE-OPEN", "is not a store"),
        (lambda path: path.write_text("rule,rate\nadam,0.1\n" * 100), "STORE-OPEN", "is not a store"),
        (lambda path: path.write_bytes(b"x"), "STORE-OPEN", "is not a store"),
        (foreign, "STORE-OPEN", "of another program"),
        (foreign_with_a_name, "STORE-OPEN", "of another program"),
        (newer, "STORE-OPEN", r"schema 7; thalweg \d+\.\d+\.\d+ reads up to 1"),
        (older_than_the_first, "STORE-CORRUPT", "no schema 0"),
    ],
    ids=["random", "text", "one byte", "foreign", "foreign with a name", "newer", "older than the first"],
)
def test_a_file_that_is_no_store_of_ours_is_refused_and_left_as_it_was(tmp_path, make, code, words):
    path = tmp_path / "runs.sqlite"
    make(path)
    before, when = files(tmp_path), path.stat().st_mtime_ns
    for new in (True, False):
        with pytest.raises(StorageError, match=words) as caught:
            Store.open(path, new=new)
        assert (caught.value.code, caught.value.exit_status) == (code, 6)
        assert len(str(caught.value).splitlines()) <= 5
        assert "left as it is" in caught.value.hint
    assert files(tmp_path) == before
    assert path.stat().st_mtime_ns == when


def test_an_empty_file_becomes_a_store(tmp_path):
    (tmp_path / "runs.sqlite").touch()
    with Store.open(tmp_path / "runs.sqlite") as store:
        assert store.held() == []


def test_an_empty_file_with_a_log_beside_it_is_damaged_and_the_log_is_kept(tmp_path):
    path = tmp_path / "runs.sqlite"
    with Store.open(path) as store:
        store.comparison(KEY, SAID).add(outcomes())
        log = Path(f"{path}-wal").read_bytes()
    path.write_bytes(b"")
    Path(f"{path}-wal").write_bytes(log)
    with pytest.raises(StorageError, match="STORE-CORRUPT"):
        Store.open(path)
    assert files(tmp_path) == {"runs.sqlite": b"", "runs.sqlite-wal": log}


@pytest.mark.parametrize("schema", range(1, database.SCHEMA + 1))
def test_a_store_of_every_schema_opens_for_ever(tmp_path, schema):
    path = Path(shutil.copy(FOLDER / f"schema-{schema}.sqlite", tmp_path / "runs.sqlite"))
    with Store.open(path) as store:
        (held,) = store.held()
        assert listed(store) == json.loads((FOLDER / f"schema-{schema}.json").read_text())
        assert store.comparison(KEY, SAID).settled() == {"a unit"}
    assert (held.key, held.description, held.runs, held.confirmations) == (KEY, SAID, 18, 18)


def test_the_store_to_be_opened_for_ever_has_the_tables_of_this_version(filled):
    """Whoever changes the tables raises the schema, and makes the next file beside it."""
    tables = []
    for path in (filled, FOLDER / f"schema-{database.SCHEMA}.sqlite"):
        with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as connection:
            tables.append(connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall())
    assert tables[0] == tables[1]


def test_an_older_store_is_brought_up_to_date_in_one_transaction(copied, monkeypatch):
    steps = {
        1: "ALTER TABLE records ADD COLUMN note TEXT; UPDATE units SET beat = 0",
        2: "CREATE TABLE notes (text TEXT)",
    }
    monkeypatch.setattr(database, "SCHEMA", 3)
    monkeypatch.setattr(database, "MIGRATIONS", steps)
    with Store.open(copied) as store:
        assert store.comparison(KEY, SAID).finished(ARMS) == WHOLE
    with closing(sqlite3.connect(copied)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)
        assert connection.execute("SELECT count(note), count(*) FROM records").fetchone() == (0, 24)
        assert connection.execute("SELECT count(*) FROM notes").fetchone() == (0,)


@pytest.mark.parametrize(
    "steps",
    [
        {1: "DROP TABLE units; ALTER TABLE nothing ADD COLUMN note TEXT", 2: "CREATE TABLE notes (text TEXT)"},
        {1: "DROP TABLE units", 2: "CREATE TABLE records (text TEXT)"},
    ],
    ids=["first", "second"],
)
def test_where_bringing_it_up_to_date_fails_an_older_store_is_as_it_was(copied, monkeypatch, steps):
    monkeypatch.setattr(database, "SCHEMA", 3)
    monkeypatch.setattr(database, "MIGRATIONS", steps)
    with pytest.raises(StorageError):
        Store.open(copied)
    monkeypatch.undo()
    with Store.open(copied) as store:
        assert store.comparison(KEY, SAID).finished(ARMS) == WHOLE
        assert store.comparison(KEY, SAID).settled() == set()


# Busy


def test_a_store_that_another_process_does_not_let_go_is_named_with_it(copied):
    script = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('BEGIN IMMEDIATE')\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with Store.open(copied, patience=0.1) as store:
        comparison = store.comparison(KEY, SAID)
        command = [sys.executable, "-c", script, str(copied)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            assert process.stdout.readline() == "held\n"
            with pytest.raises(StorageError, match=r"has held it for more than 0\.1 s") as caught:
                comparison.add(outcomes(many_arms(1)))
            assert comparison.finished(ARMS) == WHOLE
            with Store.open(copied, patience=0.1) as reader:  # whoever only looks is not kept waiting
                assert reader.comparison(KEY, SAID).finished(ARMS) == WHOLE
            process.stdin.close()
        assert (caught.value.code, caught.value.exit_status) == ("STORE-BUSY", 6)
        if Path("/proc/locks").exists():
            assert f"process {process.pid} has" in caught.value.what
        assert comparison.add(outcomes(many_arms(1))) == 3


class Passed:
    """A connection that others are always let in before, and the clock while it waits; each try takes a minute."""

    def __init__(self, tries: int, moves: int) -> None:
        self.tries, self.moves, self.now = tries, moves, 0.0

    def execute(self, statement: str) -> Passed:
        if statement == "BEGIN IMMEDIATE":
            self.now += 60.0
            self.tries -= 1
            if self.tries > 0:
                error = sqlite3.OperationalError("database is locked")
                error.sqlite_errorcode = sqlite3.SQLITE_BUSY
                raise error
        return self

    def fetchone(self) -> tuple[int]:
        return (min(int(self.now), 60 * self.moves),)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(("tries", "moves", "minutes"), [(20, 100, 20), (20, 3, 4), (20, 0, 1)])
def test_who_is_passed_over_in_a_crowd_waits_as_long_as_others_get_on(tries, moves, minutes, monkeypatch):
    passed = Passed(tries, moves)
    monkeypatch.setattr(database, "time", passed)
    made = object.__new__(database.Database)
    made.patience, made._connection = 59.0, passed
    if minutes == tries:
        made._begin("BEGIN IMMEDIATE")
    else:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            made._begin("BEGIN IMMEDIATE")
    assert passed.now == pytest.approx(60 * minutes, abs=1)


def test_who_opens_a_store_for_too_long_makes_it_busy(copied):
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from thalweg.comparison.store.place import alone\n"
        "with alone(Path(sys.argv[1]), 1.0):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(copied)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(StorageError, match="STORE-BUSY"):
            Store.open(copied, patience=0.05)
        process.communicate("")
    with Store.open(copied) as store:
        assert store.comparison(KEY, SAID).finished(ARMS) == WHOLE


def test_a_thread_that_opens_a_store_waits_for_another(copied):
    began = time.monotonic()
    with place.alone(copied, 1.0), pytest.raises(StorageError, match="STORE-BUSY"):
        Store.open(copied, patience=0.05)
    assert time.monotonic() - began >= 0.05
    Store.open(copied).close()


# Disks

SWEEP = """
import resource, signal, sys
from tests.comparison.outcomes import many_arms, outcomes
from thalweg.comparison.store import Store
from thalweg.errors import StorageError

path, limit = sys.argv[1], int(sys.argv[2])
arms, added = many_arms(2000), 0
store = None
try:
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    with Store.open(path) as store:
        comparison = store.comparison("key", {})
        for arm in arms:
            comparison.add(outcomes([arm], 3))
            added += 3
except StorageError as error:
    print(error)
    print("added", added)
    sys.exit(error.exit_status)
"""


def check_full(done: subprocess.CompletedProcess[str], path: Path) -> None:
    """Check the answer to a full disk, and that what was added before is there."""
    assert done.returncode == 6, done.stderr
    first, *_, last = done.stdout.splitlines()
    assert first.startswith(f"error[STORE-WRITE] {path}: cannot be ")
    added = int(last.removeprefix("added "))
    assert added > 0
    arms = many_arms(2000)
    with Store.open(path) as store:
        comparison = store.comparison("key", {})
        found = comparison.finished(arms)
        assert found == {(arm, seed): outcome(arm, seed) for arm in arms[: added // 3] for seed in range(3)}
        comparison.add(outcomes(arms[-1:]))


def test_a_store_that_cannot_be_made_leaves_nothing(tmp_path):
    path = tmp_path / "runs.sqlite"
    command = [sys.executable, "-c", SWEEP, str(path), str(5000)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 6, done.stderr
    assert done.stdout.startswith(f"error[STORE-WRITE] {path}: cannot be ")
    assert files(tmp_path) == {}
    fill(path)


def test_a_file_that_may_not_grow_ends_the_work_and_loses_nothing(tmp_path):
    path = tmp_path / "runs.sqlite"
    command = [sys.executable, "-c", SWEEP, str(path), str(300_000)]
    check_full(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False), path)


def in_a_room_of_its_own(folder: Path, options: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script with a file system of its own at a folder."""
    mount = f"mount -t tmpfs -o {options} none '{folder}'"
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "sh", "-c", mount], check=False).returncode:
        pytest.skip("needs unshare -rm and tmpfs")
    command = ["unshare", "-rm", "sh", "-c", f"{mount} && {script}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_full_disk_ends_the_work_and_loses_nothing(tmp_path):
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    path = disk / "runs.sqlite"
    program = tmp_path / "sweep.py"
    program.write_text(SWEEP)
    script = f"PYTHONPATH=. '{sys.executable}' '{program}' '{path}' 0; status=$?; cp -r '{disk}' '{kept}'; exit $status"
    environment = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH", "")) if p)
    done = in_a_room_of_its_own(disk, "size=1m", script.replace("PYTHONPATH=.", f"PYTHONPATH='{environment}'"))
    done.stdout = done.stdout.replace(str(disk), str(kept))
    check_full(done, kept / "runs.sqlite")


def test_a_folder_that_can_only_be_read_is_refused_before_any_work(tmp_path, filled):
    disk = tmp_path / "disk"
    disk.mkdir()
    read_only = f"cp '{filled}' '{disk}/there.sqlite' && mount -o remount,ro '{disk}'"
    program = (
        "import sys\n"
        "from thalweg.comparison.store import Store\n"
        "from thalweg.errors import StorageError\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n"
        "        Store.open(path)\n"
        "    except StorageError as error:\n"
        "        print(error.exit_status, str(error).splitlines()[0])\n"
    )
    script = f"{read_only} && '{sys.executable}' -c '{program}' '{disk}/new.sqlite' '{disk}/there.sqlite'"
    done = in_a_room_of_its_own(disk, "size=1m", script)
    answer = "6 error[STORE-OPEN] {}: cannot be opened as a store: no permission to write there"
    assert done.stdout.splitlines() == [answer.format(disk / name) for name in ("new.sqlite", "there.sqlite")], (
        done.stderr
    )


def test_a_store_that_can_only_be_read_is_refused_before_any_work(copied):
    if not shutil.which("unshare"):
        pytest.skip("needs unshare -rm")
    mount = f"mount --bind '{copied}' '{copied}' && mount -o remount,bind,ro '{copied}'"
    program = f"from thalweg.comparison.store import Store; Store.open({str(copied)!r})"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], check=False, capture_output=True).returncode:
        pytest.skip("needs unshare -rm and bind mounts")
    command = ["unshare", "-rm", "sh", "-c", f'{mount} && "$0" -c "$1"', sys.executable, program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert f"error[STORE-OPEN] {copied}: cannot be opened as a store: no permission to write there" in done.stderr
