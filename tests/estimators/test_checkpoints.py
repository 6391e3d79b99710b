"""Checkpoints: a fit that was stopped goes on to the bits of one that was not, or is refused with the reason."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import random as sparse_rows

import thalweg
from thalweg.descent import run
from thalweg.descent.run import Run
from thalweg.errors import StorageError
from thalweg.exchange import checkpoints

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(200, 4))
Y = X @ [1.0, -2.0, 0.5, 3.0] + GENERATOR.normal(size=200)
LABELS = np.where(Y > 0, "yes", "no")
SPARSE = sparse_rows(200, 4, density=0.4, format="csr", random_state=0)


pytestmark = pytest.mark.filterwarnings("ignore:the loss had not settled")


@pytest.fixture(autouse=True)
def eager(monkeypatch):
    """Let native calls be short, and every pause between them worth a file, however long that takes."""
    monkeypatch.setattr(checkpoints, "SHARE", np.inf)
    monkeypatch.setattr(run, "ROWS_PER_CALL", 250)


@pytest.fixture
def checkpoint(tmp_path):
    return thalweg.Checkpoint(tmp_path / "fit.checkpoint", every=1e-9)


@pytest.fixture
def stopping(monkeypatch):
    """Interrupt every descent at its pause of this number, after whoever looks there."""
    pause = Run.pause
    at: list[int] = [0]
    count = itertools.count(1)

    def counted(run):
        pause(run)
        if next(count) % at[0] == 0:
            raise KeyboardInterrupt

    def begin(number: int) -> None:
        at[0] = number
        monkeypatch.setattr(Run, "pause", counted)

    begin.end = lambda: monkeypatch.setattr(Run, "pause", pause)
    return begin


def linear(**told):
    return thalweg.LinearRegressor(
        **{"learning_rate": 0.01, "max_iter": 8, "tol": None, "random_state": 0, "batch_size": 16} | told
    )


def network(**told):
    return thalweg.MLPClassifier((5,), **{"max_iter": 8, "tol": None, "random_state": 0, "batch_size": 16} | told)


def chunks():
    return thalweg.stream([(X[:50], Y[:50]), (X[50:], Y[50:])], block_size=32)


CASES = {
    "dense": (linear, {}, lambda: (X, Y)),
    "full batch": (linear, {"batch_size": None, "max_iter": 40, "tol": 1e-9}, lambda: (X, Y)),
    "second moments": (linear, {"batch_size": None, "max_iter": 2000}, lambda: (np.tile(X, (9, 1)), np.tile(Y, 9))),
    "CSR, lazy": (linear, {"optimizer": "gradient_descent", "penalty": "l2"}, lambda: (SPARSE, Y)),
    "stream": (linear, {"gradient_norm": True}, lambda: (chunks(), None)),
    "stream, schedule, mean": (linear, {"schedule": "cosine", "average": True}, lambda: (chunks(), None)),
    "stream, early stopping": (linear, {"early_stopping": True, "n_iter_no_change": 2}, lambda: (chunks(), None)),
    "dropout": (network, {"dropout": 0.3}, lambda: (X, LABELS)),
    "early stopping": (network, {"early_stopping": True, "n_iter_no_change": 3, "average": "ema"}, lambda: (X, LABELS)),
    "patience": (network, {"tol": 0.02, "n_iter_no_change": 2, "max_iter": 60}, lambda: (X, LABELS)),
    "accumulated": (network, {"accumulate": 2, "schedule": "exponential", "dropout": 0.3}, lambda: (X, LABELS)),
    "float32": (network, {"learning_rate": 0.01}, lambda: (X.astype(np.float32), LABELS)),
}  # fmt: skip


def fitted(case, **told):
    make, own, data = CASES[case]
    validation = {"X_val": X[:40], "y_val": Y[:40]} if case == "stream, early stopping" else {}
    return make(**own, **told).fit(*data(), **validation)


def until_it_ends(case, checkpoint, **told):
    """Fit again and again, as somebody would whose fits are interrupted; return the fit and how often that was."""
    for interrupts in range(400):
        try:
            return fitted(case, callbacks=checkpoint, **told), interrupts
        except KeyboardInterrupt:
            continue
    raise AssertionError("it does not come any further")


def assert_same(one, other):
    for name in ("theta_", "state_", "last_iterate_"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    names = ("t_", "n_iter_", "loss_curve_", "validation_curve_", "gradient_norm_curve_", "learning_rate_curve_")
    for name in (*names, "best_epoch_", "_epochs", "_mean_since"):
        assert getattr(one, name) == getattr(other, name), name
    assert one.record_.status == other.record_.status


@pytest.mark.parametrize("case", CASES)
def test_a_fit_that_is_interrupted_comes_to_the_same_bits(case, checkpoint, stopping):
    whole = fitted(case)
    stopping(4)
    found, interrupts = until_it_ends(case, checkpoint)
    assert interrupts >= 1
    assert_same(found, whole)
    assert not any(path.exists() for path in checkpoint.files)


def test_it_learns_on_as_one_that_was_never_stopped(checkpoint, stopping):
    whole = fitted("dropout", warm_start=True).fit(X, LABELS)
    stopping(3)
    found, _ = until_it_ends("dropout", checkpoint, warm_start=True)
    while True:  # the second fit is stopped too
        try:
            found.fit(X, LABELS)
        except KeyboardInterrupt:
            continue
        break
    assert_same(found, whole)


def test_a_fit_of_no_seed_goes_on_with_the_root_it_began_with(checkpoint, stopping):
    stopping(5)
    with pytest.raises(KeyboardInterrupt):
        network(random_state=None, dropout=0.2, early_stopping=True, callbacks=checkpoint).fit(X, LABELS)
    stopping.end()
    kept = checkpoints.read(checkpoint)
    found = network(random_state=None, dropout=0.2, early_stopping=True, callbacks=checkpoint).fit(X, LABELS)
    whole = network(random_state=kept.root, dropout=0.2, early_stopping=True).fit(X, LABELS)
    assert_same(found, whole)


@pytest.fixture
def stopped(checkpoint, stopping):
    """A fit to dense rows that was stopped, with both generations on the disk."""
    stopping(5)
    with pytest.raises(KeyboardInterrupt):
        fitted("dense", callbacks=checkpoint)
    stopping.end()
    assert all(path.exists() for path in checkpoint.files)
    return checkpoint


CHANGES = {
    "max_iter": {"max_iter": 9},
    "optimizer": {"learning_rate": 0.123},
    "penalty": {"penalty": "l2"},
    "batch_size": {"batch_size": 17},
    "random_state": {"random_state": 1},
    "n_iter_no_change": {"n_iter_no_change": 4},
    "validation": {"early_stopping": True},
    "model": {"fit_intercept": False},
}


@pytest.mark.parametrize("name", CHANGES)
def test_another_fit_is_refused_and_told_what_differs(name, stopped):
    before = [path.read_bytes() for path in stopped.files]
    with pytest.raises(StorageError, match=name) as caught:
        linear(callbacks=stopped, **CHANGES[name]).fit(X, Y)
    assert caught.value.code == "STORE-MISMATCH"
    assert len(str(caught.value).splitlines()) <= 5
    assert [path.read_bytes() for path in stopped.files] == before


def test_all_that_differs_is_told(stopped):
    """BH22."""
    with pytest.raises(StorageError, match=r"batch_size was 16, and is 8; max_iter was 8, and is 3; ") as caught:
        linear(callbacks=stopped, batch_size=8, max_iter=3, penalty="l2", shuffle=False).fit(X, Y)
    assert caught.value.code == "STORE-MISMATCH"
    assert "; and 1 more" in str(caught.value)


@pytest.mark.parametrize("change", ["a row", "a target", "weights", "a stream"])
def test_other_rows_are_refused(change, stopped):
    rows, targets = X.copy(), Y.copy()
    rows[17, 2] += (change == "a row") * 1e-15
    targets[3] += (change == "a target") * 1e-15
    weights = np.linspace(1, 2, 200) if change == "weights" else None
    given = (chunks(),) if change == "a stream" else (rows, targets, weights)
    with pytest.raises(StorageError) as caught:
        linear(callbacks=stopped).fit(*given)
    assert caught.value.code == "STORE-MISMATCH"


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("row", [0, 33, 100, 199])
def test_a_stream_that_gives_other_rows_is_found_out_before_they_are_learned_from(row, sparse, checkpoint, stopping):
    """Wherever the row is: among those passed over, or those to come."""
    rows = sparse_rows(200, 4, density=0.9, format="csr", random_state=0) if sparse else X

    def fit(table):
        given = thalweg.stream([(table[:50], Y[:50]), (table[50:], Y[50:])], block_size=32)
        return linear(callbacks=checkpoint).fit(given)

    stopping(10)  # in the second epoch
    with pytest.raises(KeyboardInterrupt):
        fit(rows)
    stopping.end()
    assert checkpoints.read(checkpoint).arrays["run.epoch_losses"].size > 0
    other = rows.copy()
    if sparse:
        other.data[other.indptr[row]] += 1e-15
    else:
        other[row, 1] += 1e-15
    with pytest.raises(thalweg.ThalwegError) as caught:
        fit(other)
    if row < 32:  # the first block is looked at before anything is put back
        assert caught.value.code == "STORE-MISMATCH"
    else:
        assert caught.value.code == "DATA-STREAM"
        first = row // 32 * 32
        assert f"rows {first} to {min(first + 31, 199)} are not what they were" in str(caught.value)
    assert_same(fit(rows), linear().fit(thalweg.stream([(rows, Y)], block_size=32)))


def test_a_damaged_checkpoint_gives_way_to_the_one_before_it(stopped):
    newest, older = stopped.files
    content = bytearray(newest.read_bytes())
    content[-3] ^= 4
    newest.write_bytes(content)
    generation = checkpoints._read(older).generation
    with pytest.warns(UserWarning, match=rf"generation {generation + 1} is damaged .*; {generation} is used"):
        found = fitted("dense", callbacks=stopped)
    assert_same(found, fitted("dense"))


def test_two_damaged_ones_are_refused_with_the_way_to_start_again(stopped):
    for path in stopped.files:
        path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(StorageError, match=r"To start again, remove fit\.checkpoint and") as caught:
        fitted("dense", callbacks=stopped)
    assert caught.value.code == "STORE-CORRUPT"
    for path in stopped.files:
        path.unlink()
    assert_same(fitted("dense", callbacks=stopped), fitted("dense"))


def assert_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(thalweg.ThalwegError) as caught:
        checkpoints._read(path)
    assert caught.value.code.startswith("MODEL-")


@pytest.mark.parametrize("flips", [300, pytest.param(10_000, marks=pytest.mark.deep)])
def test_every_cut_and_every_flipped_bit_is_found(flips, stopped, tmp_path):
    """C5."""
    whole = stopped.files[0].read_bytes()
    path = tmp_path / "hurt"
    for length in range(0, len(whole), 64):
        assert_refused(path, whole[:length])
    generator = np.random.default_rng(1)
    for place, bit in zip(generator.integers(len(whole), size=flips), generator.integers(8, size=flips), strict=True):
        hurt = bytearray(whole)
        hurt[place] ^= 1 << int(bit)
        assert_refused(path, bytes(hurt))


def test_a_newer_version_s_file_is_left_alone(stopped, monkeypatch):
    monkeypatch.setattr(checkpoints, "FORMAT", 0)
    with pytest.raises(StorageError, match="format 2, this one reads up to 0") as caught:
        fitted("dense", callbacks=stopped)
    assert caught.value.code == "STORE-VERSION"


def test_another_version_of_what_computes_is_told(stopped, monkeypatch):
    versions = checkpoints._versions
    monkeypatch.setattr(checkpoints, "_versions", lambda machine: versions(machine) | {"numpy": "0.1"})
    with pytest.warns(UserWarning, match="begun with numpy"):
        fitted("dense", callbacks=stopped)


@pytest.mark.parametrize("part", ["run.theta", "run.state", "run.losses", "run.numbers"])
def test_a_checkpoint_whose_parts_do_not_fit_is_refused(part, stopped, monkeypatch):
    kept = checkpoints.read(stopped)
    kept.arrays[part] = kept.arrays[part][..., :-1]
    monkeypatch.setattr(checkpoints, "read", lambda _: kept)
    with pytest.raises(StorageError) as caught:
        fitted("dense", callbacks=stopped)
    assert caught.value.code == "STORE-CORRUPT"


@pytest.mark.parametrize("kind", ["missing", "a folder", "read-only"])
def test_a_wrong_place_is_told_before_any_training(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(Run, "descend", None)
    path = tmp_path / "there" / "fit.checkpoint" if kind == "missing" else tmp_path
    if kind == "read-only":
        path = tmp_path / "fit.checkpoint"
        tmp_path.chmod(0o500)
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user may write everywhere")
    with pytest.raises(StorageError) as caught:
        linear(callbacks=thalweg.Checkpoint(path)).fit(X, Y)
    assert caught.value.code == "FILE-WRITE"


def test_a_full_disk_is_told_and_the_fit_can_go_on_later(checkpoint, monkeypatch):
    write, count = checkpoints.tensors.write, itertools.count(1)

    def filling(*given):
        if next(count) == 3:
            raise StorageError("FILE-WRITE", str(given[0]), "cannot be written: No space left on device")
        write(*given)

    monkeypatch.setattr(checkpoints.tensors, "write", filling)
    with pytest.raises(StorageError, match="No space left"):
        fitted("dense", callbacks=checkpoint)
    assert checkpoints.read(checkpoint).generation == 2
    assert_same(fitted("dense", callbacks=checkpoint), fitted("dense"))


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_every_call_that_fails_is_told_and_harmless(checkpoint, monkeypatch, call, number):
    """C3: the one before it stays, nothing half is left, and the fit goes on from there."""
    owner = Path if call == "replace" else os
    real, count, folder = getattr(owner, call), itertools.count(1), str(checkpoint.files[0].parent)

    def failing(*given, **named):
        of_ours = call == "fsync" or str(given[0]).startswith(folder)
        if of_ours and next(count) == number + 3:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(*given, **named)

    monkeypatch.setattr(owner, call, failing)
    with pytest.raises(StorageError, match=os.strerror(errno.EIO)) as caught:
        network(callbacks=checkpoint).fit(X, LABELS)
    monkeypatch.setattr(owner, call, real)
    assert caught.value.code == "FILE-WRITE"
    assert checkpoint.files[0].name in caught.value.where
    assert {path.name for path in checkpoint.files[0].parent.iterdir()} <= {path.name for path in checkpoint.files}
    assert checkpoints.read(checkpoint).generation >= 1
    assert_same(network(callbacks=checkpoint).fit(X, LABELS), network().fit(X, LABELS))


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_interrupt_while_a_file_is_written_is_no_loss(checkpoint, monkeypatch, moment):
    """C11: what had been learned by then is written at the end."""
    write, count = checkpoints.tensors.write, itertools.count(1)

    def interrupted(*given):
        number = next(count)
        if number == 2 and moment == "before":
            raise KeyboardInterrupt
        write(*given)
        if number == 2 and moment == "after":
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints.tensors, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fitted("dense", callbacks=checkpoint)
    assert checkpoints.read(checkpoint).generation == 2
    assert checkpoints._read(checkpoint.files[1]).generation == (1 if moment == "before" else 2)
    assert_same(fitted("dense", callbacks=checkpoint), fitted("dense"))


def test_what_a_kill_left_half_written_goes_with_the_rest(checkpoint):
    half = checkpoint.files[0].parent / ".fit.checkpoint.0123456789ab.part"
    half.write_bytes(b"half")
    fitted("dense", callbacks=checkpoint)
    assert not list(half.parent.iterdir())


def test_each_of_the_fits_of_an_interval_has_its_own(checkpoint, stopping):
    stopping(4)
    with pytest.raises(KeyboardInterrupt):
        thalweg.IntervalRegressor(linear(callbacks=checkpoint), quantiles=(0.1, 0.9)).fit(X, Y)
    assert {path.suffix for path in checkpoint.files[0].parent.iterdir()} == {".1", ".older"}
    stopping.end()
    found = thalweg.IntervalRegressor(linear(callbacks=checkpoint), quantiles=(0.1, 0.9)).fit(X, Y)
    whole = thalweg.IntervalRegressor(linear(), quantiles=(0.1, 0.9)).fit(X, Y)
    np.testing.assert_array_equal(found.predict_interval(X), whole.predict_interval(X))


def test_a_model_file_is_none_the_worse_for_a_checkpoint(checkpoint, tmp_path):
    thalweg.save(fitted("dense", callbacks=checkpoint), tmp_path / "with")
    thalweg.save(fitted("dense"), tmp_path / "without")
    assert_same(thalweg.load(tmp_path / "with"), thalweg.load(tmp_path / "without"))


def test_the_last_of_two_generations_is_enough(stopped):
    stopped.files[0].unlink()
    assert_same(fitted("dense", callbacks=stopped), fitted("dense"))


def test_a_diverging_fit_is_told_as_without_a_stop(checkpoint, stopping):
    def account(**told):
        estimator = linear(optimizer="gradient_descent", learning_rate=0.3, **told)
        try:
            estimator.fit(100 * X, Y)
        except thalweg.ThalwegError as error:
            return str(error), estimator
        raise AssertionError("it did not diverge")

    rate = {"batch_size": 200, "shuffle": False}
    error, whole = account(**rate)
    stopping(3)
    for _ in range(100):
        try:
            again, found = account(callbacks=checkpoint, **rate)
            break
        except KeyboardInterrupt:
            continue
    assert again == error
    assert_same(found, whole)
    assert not checkpoint.files[0].exists()


def test_short_fits_leave_nothing(tmp_path, stopping):
    stopping(3)
    with pytest.raises(KeyboardInterrupt):
        fitted("dense", callbacks=thalweg.Checkpoint(tmp_path / "fit.checkpoint"))
    assert not list(tmp_path.iterdir())


def test_a_clone_and_other_callbacks_go_with_it(checkpoint, stopping):
    from sklearn.base import clone

    seen: list[int] = []
    told = clone(linear(callbacks=[checkpoint, lambda run: seen.append(run.epoch)]))
    stopping(4)
    for _ in range(10):
        try:
            told.fit(X, Y)
            break
        except KeyboardInterrupt:
            continue
    stopping.end()
    assert_same(told, linear().fit(X, Y))
    assert sorted(set(seen)) == list(range(1, 9))


def test_two_checkpoints_are_one_too_many(checkpoint):
    with pytest.raises(thalweg.ThalwegError, match="2 checkpoints"):
        linear(callbacks=[checkpoint, checkpoint]).fit(X, Y)


@pytest.mark.parametrize("told", [{"path": 3}, {"path": ""}, {"path": "x", "every": 0}, {"path": "x", "every": "1"}])
def test_a_checkpoint_is_a_path_and_seconds(told):
    with pytest.raises(thalweg.ThalwegError):
        thalweg.Checkpoint(**told)


def test_copies_of_the_files_are_checkpoints_too(stopped, tmp_path):
    shutil.copy(stopped.files[0], tmp_path / "elsewhere")
    other = thalweg.Checkpoint(tmp_path / "elsewhere", every=1e-9)
    assert_same(fitted("dense", callbacks=other), fitted("dense"))
