"""Checkpoints: how far a fit has come, in a file beside an older one, so that the same fit goes on to the same bits.

The files are those of `exchange.tensors`: a checksum over every byte that counts, written as a whole or not at all,
and nothing in them is run.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.checkpoint import Checkpoint
from thalweg.descent.digests import BlockDigests
from thalweg.descent.progress import Progress
from thalweg.descent.record import machine_information, plain
from thalweg.errors import ModelFileError, StorageError
from thalweg.exchange import layers, tensors
from thalweg.exchange.files import check_writable, clear_parts
from thalweg.exchange.tables.cells import shown

if TYPE_CHECKING:
    from thalweg.descent.run import Run

Array = NDArray[Any]

#: The format that is written, and the newest that is read. Those of format 1 have no digests of a stream's blocks, and
#: within an epoch they stopped in streams alone.
FORMAT = 2
_KIND = "checkpoint"
#: Copies in memory are made as often as this, in seconds: what an interrupt costs at most.
_MOMENT = 1.0
#: Copies in memory, and files, are each made so seldom that they take no more than this share of the time.
SHARE = 0.01
#: Bytes of rows that are looked at in a second, at the least: measured, half of it.
_HASHED = 1e9


@final
@dataclass(frozen=True)
class Kept:
    """What a file holds."""

    generation: int
    root: np.random.SeedSequence
    settings: dict[str, Any]
    data: str
    versions: dict[str, str]
    arrays: dict[str, Array]


@final
@dataclass(frozen=True)
class Identity:
    """Which fit it is.

    Parameters
    ----------
    root : SeedSequence
        Of its randomness.
    settings : dict
        Plain data that differ where its updates, or its end, could.
    data : callable
        It gives a digest of the rows. It is asked for when a file is read, or written for the first time.
    size : int
        Bytes of the rows.
    """

    root: np.random.SeedSequence
    settings: dict[str, Any]
    data: Callable[[], str]
    size: int

    @classmethod
    def of(cls, run: Run, settings: Mapping[str, Any], others: Sequence[Any]) -> Identity:
        """Return that of a run, by its settings and rows.

        Parameters
        ----------
        run : Run
            As it is about to begin, before anything is put back.
        settings : mapping
            More that it depends on, as plain data.
        others : sequence of ndarray, SciPy CSR or None
            More rows that it depends on.
        """
        told = plain(run.settings.as_dict())
        formulas = [run.settings.optimizer, run.settings.loss, run.settings.schedule]
        prints = [each.fingerprint for each in (*formulas, *run.settings.layer_penalties()) if each is not None]
        told |= {"formulas": prints, "model": layers.describe(run.model), "dtype": str(run.dtype), **settings}
        rows = run.rows
        arrays = [rows.X, rows.targets, rows.weights, rows.values, rows.indices, rows.indptr, *others]
        if run.blocks is None:
            size = sum(0 if each is None else each.data.nbytes for each in arrays)
            return cls(run.root, told, lambda: digest(arrays), size)
        # The rows of a block are in a buffer that the next but one takes, so that these are looked at now; those after
        # them by `BlockDigests`, when they come.
        found = digest(arrays)
        return cls(run.root, told | {"stream": {"rows": run.blocks.count, "block": run.blocks.size}}, lambda: found, 0)


@final
class Keeper:
    """Writes the checkpoints of a run while it descends, inside a ``with`` block; removes them when that ends well.

    A state is written when the updates after it are known to have been finite. So a run that goes on from it tells a
    divergence as one that was never stopped.

    Parameters
    ----------
    checkpoint : Checkpoint
    run : Run
        As it is about to begin.
    parts : mapping of str to Progress
        All that the run needs to go on, by name.
    identity : Identity
    kept : Kept, optional
        What :func:`read` has found: the parts are put back to it.
    remove : bool
        Whether the end of the block removes the files.

    Attributes
    ----------
    generation : int
        Of the last file; 0 where there is none.

    Raises
    ------
    StorageError
        STORE-MISMATCH: the file is of another fit, or of other rows. STORE-CORRUPT: it does not fit together.
        FILE-WRITE: it could not be written.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        run: Run,
        parts: Mapping[str, Progress],
        identity: Identity,
        kept: Kept | None = None,
        *,
        remove: bool = True,
    ) -> None:
        self._checkpoint, self._run, self._identity, self._remove = checkpoint, run, identity, remove
        self._parts = dict(parts)
        if run.blocks is not None:
            run.digests = self._parts["stream"] = BlockDigests(run.blocks)
        self._files = _Pace(checkpoint.every, expected=identity.size / _HASHED)
        self._copies = _Pace(min(_MOMENT, checkpoint.every))
        self._began = time.perf_counter()
        self._waiting: dict[str, Callable[[], dict[str, Array]]] | None = None
        self._latest: dict[str, Callable[[], dict[str, Array]]] | None = None
        self.generation, self._data, self._failed = 0, "", False
        if kept is not None:
            self._go_on(kept)

    def __enter__(self) -> Self:
        self._run.between = self._look
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._run.between = self._run.digests = None
        if error is None:
            if self._remove:
                remove(self._checkpoint)
        elif self._latest is not None and not self._failed:
            lasted = time.perf_counter() - self._began >= self._checkpoint.every
            if lasted or self.generation:
                self._write()

    def _look(self, _: Run) -> None:
        """Copy, and write, what is due."""
        if self._waiting is not None:  # the updates since were finite
            self._latest, self._waiting = self._waiting, None
            if self._files.due():
                self._write()
        if self._copies.due():
            with self._copies.work():
                self._waiting = {name: part.take() for name, part in self._parts.items()}

    def _write(self) -> None:
        assert self._latest is not None  # noqa: S101 - asked by both callers
        self._failed = True  # an error in the midst of it is not tried again, an interrupt is
        with self._files.work(), self._again_after_interrupt():
            self._data = self._data or self._identity.data()
            arrays = {f"{name}.{key}": array for name, take in self._latest.items() for key, array in take().items()}
            root = self._identity.root
            description = {
                "kind": _KIND,
                "format": FORMAT,
                "generation": self.generation + 1,
                "root": {"entropy": _plain_entropy(root), "spawn_key": [int(key) for key in root.spawn_key]},
                "settings": self._identity.settings,
                "data": self._data,
                "versions": _versions(machine_information()),
            }
            newest, older = self._checkpoint.files
            with contextlib.suppress(FileNotFoundError):
                _replace(newest, older)
            tensors.write(newest, description, arrays)
        self._latest, self._failed = None, False
        self.generation += 1

    @contextlib.contextmanager
    def _again_after_interrupt(self) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt:
            self._failed = False
            raise

    def _go_on(self, kept: Kept) -> None:
        name = shown(str(self._checkpoint.path), 200)
        hint = f"Make the fit that it is of, name another file, or remove {shown(Path(name).name, 80)} to start anew."
        keys = sorted({*kept.settings, *self._identity.settings})
        pairs = {key: (kept.settings.get(key), self._identity.settings.get(key)) for key in keys}
        other = {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
        if len(other) > 1:
            other.pop("formulas", None)  # fingerprints, of what is named besides
        if other:
            told = [f"{key} was {was!s:.60}, and is {now!s:.60}" for key, (was, now) in other.items()]
            more = f"; and {len(told) - 3} more" if len(told) > 3 else ""
            what = f"is the checkpoint of another fit: {'; '.join(told[:3])}{more}"
            raise StorageError("STORE-MISMATCH", name, what, hint)
        if _told(kept.root) != _told(self._identity.root):
            what = "is the checkpoint of another fit: its random_state was another"
            raise StorageError("STORE-MISMATCH", name, what, hint)
        self._data = self._identity.data()
        if kept.data != self._data:
            what = "is the checkpoint of a fit to other rows: their checksums differ"
            raise StorageError("STORE-MISMATCH", name, what, hint)
        here = _versions(machine_information())
        before = [f"{key} {was}" for key, was in kept.versions.items() if here.get(key) != was]
        if before:
            what = f"STORE-VERSIONS: the fit in {name} was begun with {', '.join(before)}"
            warnings.warn(f"{what}; another may round otherwise than it would have", UserWarning, stacklevel=3)
        for part, progress in self._parts.items():
            own = {key.removeprefix(f"{part}."): a for key, a in kept.arrays.items() if key.startswith(f"{part}.")}
            try:
                progress.put_back(own)
            except (LookupError, TypeError, ValueError, ArithmeticError) as error:
                what = f"is no checkpoint of this fit: {shown(str(error), 120)}"
                raise StorageError("STORE-CORRUPT", name, what, hint) from error
        self.generation = kept.generation


@final
class _Pace:
    """When it is time for a piece of work again: so seldom that it takes its share of the time at most."""

    def __init__(self, every: float, expected: float = 0.0) -> None:
        self._every, self._cost = every, expected
        self._last = time.perf_counter()

    def due(self) -> bool:
        return time.perf_counter() - self._last >= max(self._every, self._cost / SHARE)

    @contextlib.contextmanager
    def work(self) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._last = time.perf_counter()
        self._cost = self._last - start


def remove(checkpoint: Checkpoint) -> None:
    """Remove both files, where they are, and what a kill in the midst of writing one has left."""
    clear_parts(checkpoint.path)
    for path in checkpoint.files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            what = f"cannot be removed: {shown(error.strerror or str(error), 120)}"
            raise StorageError("FILE-WRITE", shown(str(path), 200), what) from error


def read(checkpoint: Checkpoint) -> Kept | None:
    """Return what the files hold, the older one's where the newest is damaged; None where there are none.

    Raises
    ------
    StorageError
        STORE-CORRUPT: all there are are damaged. MODEL-OPEN: they cannot be opened. STORE-VERSION: a newer version
        wrote them. FILE-WRITE: no file can be written there.
    """
    check_writable(checkpoint.path)
    damaged = []
    for path in checkpoint.files:
        if not os.path.lexists(path):
            continue
        try:
            kept = _read(path)
        except ModelFileError as error:
            damaged.append(error)
            continue
        if damaged:
            what = f"STORE-DAMAGED: {damaged[0].where}: generation {kept.generation + 1} is damaged"
            told = f"{what} ({damaged[0].code}); {kept.generation} is used"
            warnings.warn(told, UserWarning, stacklevel=2)
        return kept
    if not damaged:
        return None
    name = shown(str(checkpoint.path), 200)
    both = " and the one before it are" if len(damaged) > 1 else " is"
    names = " and ".join(shown(path.name, 80) for path in checkpoint.files if os.path.lexists(path))
    what = f"the checkpoint{both} damaged: {damaged[0].what}"
    raise StorageError("STORE-CORRUPT", name, what, f"To start again, remove {names}.")


def digest(arrays: Iterable[Any]) -> str:
    """Return SHA-256 over the type, shape and bytes of arrays; of SciPy's CSR, its three. None counts too."""
    found = hashlib.sha256()
    for array in arrays:
        parts = [array] if array is None or isinstance(array, np.ndarray) else [array.data, array.indices, array.indptr]
        for part in parts:
            if part is None:
                found.update(b"none\n")
                continue
            found.update(f"{part.dtype.str} {part.shape}\n".encode())
            found.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def _replace(newest: Path, older: Path) -> None:
    try:
        newest.resolve().replace(older)
    except FileNotFoundError:
        raise
    except OSError as error:
        what = f"cannot be written: {shown(error.strerror or str(error), 120)}"
        raise StorageError("FILE-WRITE", shown(str(older), 200), what) from error


def _read(path: Path) -> Kept:
    """Return what a file holds; ModelFileError where it is damaged."""
    name = shown(str(path), 200)
    data, arrays = tensors.read(path)
    if data.get("kind") != _KIND:
        raise ModelFileError("MODEL-KIND", name, "is no checkpoint")
    number = data.get("format")
    if type(number) is int and number > FORMAT:
        what = f"was written by a newer version: format {number}, this one reads up to {FORMAT}"
        raise StorageError("STORE-VERSION", name, what, "Go on with the version that began the fit.")
    try:
        root = data["root"]
        entropy = root["entropy"]
        sequence = np.random.SeedSequence(
            int(entropy) if isinstance(entropy, str) else [int(word) for word in entropy],
            spawn_key=tuple(int(key) for key in root["spawn_key"]),
        )
        return Kept(
            int(data["generation"]), sequence, dict(data["settings"]), str(data["data"]), dict(data["versions"]), arrays
        )
    except (LookupError, TypeError, ValueError) as error:
        raise ModelFileError("MODEL-META", name, f"its description is not one: {shown(str(error), 80)}") from error


def _plain_entropy(root: np.random.SeedSequence) -> str | list[str]:
    """Return the entropy as text: it has more digits than other readers of JSON keep."""
    entropy = root.entropy
    return str(entropy) if isinstance(entropy, int | np.integer) else [str(word) for word in entropy or ()]


def _told(root: np.random.SeedSequence) -> tuple[Any, tuple[int, ...]]:
    return _plain_entropy(root), tuple(int(key) for key in root.spawn_key)


def _versions(machine: dict[str, str]) -> dict[str, str]:
    """Return what the bits can depend on."""
    return {name: machine[name] for name in ("thalweg", "numpy", "numba", "processor")}
