"""``thalweg train`` killed, stopped and out of room: the same command goes on to the same bytes."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

# A hundredth of the time would let a short training write once: here every file is written that is due.
PROGRAM = (
    "import sys\nfrom thalweg.exchange import checkpoints\ncheckpoints.SHARE = 1e9\n"
    "from thalweg.studies import streamed\nstreamed.block_size = lambda *_, **__: 16\n"
    "from thalweg.cli import main\nmain(sys.argv[1:])\n"
)
# One that is to be stopped waits for it, a little after its first checkpoint: it is never over before.
WAITS = (
    "import time\nfrom thalweg.exchange import checkpoints\n"
    "looks = 0\n"
    "def look(self, run, real=checkpoints.Keeper._look):\n"
    "    global looks\n"
    "    real(self, run)\n"
    "    looks += self.generation > 0\n"
    "    while looks == 5: time.sleep(0.01)\n"
    "checkpoints.Keeper._look = look\n"
)
PATIENCE = 120.0  # seconds for what ends by itself, on a busy machine
PLAN = ["train", "waves.csv", "--target", "y", "--checkpoint-every", "0.05", "--optimizer", "adam", "--lr", "0.003"]
MODELS = {
    "linear": ["--model", "linear", "--epochs", "2500"],
    "network": ["--model", "mlp:16", "--dropout", "0.2", "--schedule", "cosine", "--epochs", "1200"],
    # Not in memory: blocks of 16 rows, 15 of them an epoch.
    "stream": ["--stream", "--model", "linear", "--batch-size", "8", "--epochs", "250"],
}
CHECKPOINT = "model.thalweg.checkpoint"


def write_table(folder: Path) -> Path:
    generator = np.random.default_rng(0)
    X = generator.normal(size=(400, 3))
    rows = np.c_[X, np.sin(X).sum(axis=1)]
    np.savetxt(folder / "waves.csv", rows, delimiter=",", header="a,b,c,y", comments="", fmt="%.6f")
    return folder


@pytest.fixture
def waves(tmp_path) -> Path:
    """A folder with a table."""
    return write_table(tmp_path)


def start(folder: Path, plan: list[str], *, waits: bool = False, **told) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WAITS * waits + PROGRAM, *plan],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "80"},
        **told,
    )


def finish(folder: Path, plan: list[str]) -> str:
    process = start(folder, plan)
    out, err = process.communicate()
    assert process.returncode == 0, out + err
    return err


def left(folder: Path) -> tuple[bytes, dict]:
    """Return the model, and the record without what differs from run to run."""
    record = json.loads((folder / "model.json").read_text())
    del record["times"]
    return (folder / "model.thalweg").read_bytes(), record


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    while not path.exists():
        assert process.poll() is None, "it has ended before"
        time.sleep(0.01)


def stopped(folder: Path, plan: list[str], number: signal.Signals) -> subprocess.Popen[str]:
    """Stop a training that has written a checkpoint."""
    heard = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731
    process = start(folder, plan, waits=True, preexec_fn=heard)
    wait_for(folder / CHECKPOINT, process)
    process.send_signal(number)
    return process


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What a training of each model leaves that nothing has stopped, and how long it took."""
    made = {}

    def of(name: str) -> tuple[tuple[bytes, dict], float]:
        if name not in made:
            folder = write_table(tmp_path_factory.mktemp("whole"))
            began = time.monotonic()
            finish(folder, [*PLAN, *MODELS[name]])
            made[name] = left(folder), time.monotonic() - began
        return made[name]

    return of


@pytest.mark.parametrize(
    ("name", "kills"), [("network", 3), *(pytest.param(name, 100, marks=pytest.mark.deep) for name in MODELS)]
)
def test_killed_at_any_time_the_same_command_ends_with_the_same_bytes(waves, whole, name, kills):
    """C1: a kill costs one interval at most, and changes no bit."""
    expected, lasted = whole(name)
    plan, random, reached = [*PLAN, *MODELS[name]], np.random.default_rng(kills), 0
    for kill in range(kills):
        process = start(waves, plan, waits=kill == 0)  # one at least is not over before
        if kill % 2 == 0:
            while not (waves / CHECKPOINT).exists() and process.poll() is None:
                time.sleep(0.005)
            time.sleep(random.uniform(0, 0.1))
        else:
            time.sleep(random.uniform(0, lasted))
        process.kill()
        process.communicate()
        if process.returncode == 0:  # it was faster
            assert left(waves) == expected
        reached += (waves / CHECKPOINT).exists()
    assert reached
    finish(waves, plan)
    assert left(waves) == expected
    assert {path.name for path in waves.iterdir()} == {"waves.csv", "model.thalweg", "model.json"}


@pytest.mark.parametrize(
    ("number", "name"),
    [(signal.SIGINT, "network"), (signal.SIGTERM, "linear"), (signal.SIGINT, "stream")],
    ids=["Ctrl-C", "SIGTERM", "Ctrl-C in a stream"],
)
def test_stopped_it_says_how_to_go_on_and_does(waves, whole, number, name):
    """C11: what was learned is kept, and the exit status is 130."""
    expected, _ = whole(name)
    plan = [*PLAN, *MODELS[name]]
    process = stopped(waves, plan, number)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, ""), err
    kept = f"what was learned is kept in {CHECKPOINT}: the same command goes on from there"
    assert err.endswith(f"interrupted; {kept}\n")
    assert not (waves / "model.thalweg").exists()
    assert f", from {CHECKPOINT}" in finish(waves, plan)
    assert left(waves) == expected
    assert {path.name for path in waves.iterdir()} == {"waves.csv", "model.thalweg", "model.json"}


@pytest.mark.deep
def test_fifty_interrupts_at_any_time_end_with_the_same_bytes(waves, whole):
    """C11: each is answered with exit status 130, and none costs a bit."""
    expected, lasted = whole("network")
    plan, random, answered = [*PLAN, *MODELS["network"]], np.random.default_rng(11), 0
    for trial in range(50):
        process = start(waves, plan, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
        process.stderr.readline()  # what a signal means is settled by then
        if trial % 2 == 0:
            while not (waves / CHECKPOINT).exists() and process.poll() is None:
                time.sleep(0.005)
            time.sleep(random.uniform(0, 0.1))
        else:
            time.sleep(random.uniform(0, lasted / 3))
        process.send_signal(signal.SIGINT if trial % 4 < 2 else signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)
        if out:  # it was faster: what it leaves was there before the signal came
            assert left(waves) == expected
            continue
        assert process.returncode == 130, err
        assert err.splitlines()[-1].startswith("interrupted")
        answered += 1
    assert answered >= 25
    finish(waves, plan)
    assert left(waves) == expected
    assert {path.name for path in waves.iterdir()} == {"waves.csv", "model.thalweg", "model.json"}


@pytest.fixture(scope="module")
def once_interrupted(tmp_path_factory) -> Path:
    folder = write_table(tmp_path_factory.mktemp("interrupted"))
    stopped(folder, [*PLAN, *MODELS["linear"]], signal.SIGTERM).communicate(timeout=PATIENCE)
    return folder


@pytest.fixture
def interrupted(once_interrupted, tmp_path) -> Path:
    """A folder with a table, and the checkpoint of a linear model."""
    return Path(shutil.copytree(once_interrupted, tmp_path / "interrupted"))


@pytest.mark.parametrize("change", ["--lr 0.004", "--epochs 2501", "--seed 1", "another table"])
def test_another_training_is_refused_until_it_is_told_to_begin_anew(thalweg, interrupted, change, monkeypatch):
    """BM19."""
    monkeypatch.chdir(interrupted)
    plan = [*PLAN, *MODELS["linear"]]
    if change == "another table":
        table = interrupted / "waves.csv"
        table.write_text(table.read_text().replace("\n0.", "\n1.", 1))
    else:
        plan += change.split()
    before = (interrupted / CHECKPOINT).read_bytes()
    said = thalweg(*plan)
    assert (said.status, said.out) == (6, "")
    assert f"error[STORE-MISMATCH] {CHECKPOINT}: " in said.err
    assert "--restart" in said.err.splitlines()[-1]
    assert (interrupted / CHECKPOINT).read_bytes() == before
    assert not (interrupted / "model.thalweg").exists()
    said = thalweg(*plan, "--restart", "--epochs", "3")
    assert said.status == 0, said.err
    assert not (interrupted / CHECKPOINT).exists()


@pytest.mark.parametrize("damaged", [1, 2])
def test_damage_is_told_and_the_older_one_used(thalweg, interrupted, damaged, monkeypatch):
    """BM20, BM21."""
    monkeypatch.chdir(interrupted)
    newest, older = interrupted / CHECKPOINT, interrupted / f"{CHECKPOINT}.older"
    if not older.exists():
        older.write_bytes(newest.read_bytes())
    for path in (newest, older)[:damaged]:
        content = bytearray(path.read_bytes())
        content[-5] ^= 1
        path.write_bytes(content)
    said = thalweg(*PLAN, *MODELS["linear"])
    if damaged == 1:
        assert said.status == 0, said.err
        assert f"warning[STORE-DAMAGED] {CHECKPOINT}: generation " in said.err
    else:
        assert said.status == 6
        assert "error[STORE-CORRUPT]" in said.err
        assert "--restart" in said.err.splitlines()[-1]


def test_what_kills_left_of_the_model_and_the_record_goes_in_the_end(thalweg, waves, monkeypatch):
    monkeypatch.chdir(waves)
    for name in (".model.thalweg.0123456789ab.part", ".model.json.0123456789ab.part", ".model.json.mine.part"):
        (waves / name).write_bytes(b"half")
    said = thalweg(*PLAN, "--model", "linear", "--epochs", "3")
    assert said.status == 0, said.err
    assert {path.name for path in waves.iterdir()} == {
        "waves.csv", "model.thalweg", "model.json", ".model.json.mine.part"
    }  # fmt: skip


def test_without_a_checkpoint_none_is_read_or_written(thalweg, waves, monkeypatch):
    monkeypatch.chdir(waves)
    (waves / CHECKPOINT).write_bytes(b"nothing")
    said = thalweg(*PLAN, "--model", "linear", "--epochs", "3", "--no-checkpoint")
    assert said.status == 0, said.err
    assert (waves / CHECKPOINT).read_bytes() == b"nothing"


def test_a_disk_that_is_full_is_told_and_leaves_no_part(waves):
    """C3: exit 6, the file is named, nothing half is left."""

    def little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    process = start(
        waves,
        [*PLAN, *MODELS["linear"]],
        preexec_fn=little_room,
    )
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (6, ""), err
    assert f"error[FILE-WRITE] {CHECKPOINT}: cannot be written: File too large" in err
    assert {path.name for path in waves.iterdir()} == {"waves.csv"}
