"""What a store holds of a run: its account, the keys it is found by, and the seal over all of it."""

from __future__ import annotations

import hashlib
import itertools
import json
import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from thalweg.comparison.variant import deciding
from thalweg.descent.record import Record, plain

if TYPE_CHECKING:
    from thalweg.comparison.outcome import Confirmation, Outcome
    from thalweg.comparison.plan import Arm

RUN, CONFIRMATION = "run", "confirmation"
_BLOCK = 1 << 22  # bytes of an array that are looked at together


class Kept(NamedTuple):
    """One record as it stands in the store.

    Attributes
    ----------
    arm : bytes
        See :func:`arm_key`.
    seed : int
    payload : bytes
        All that does not differ from machine to machine; see :func:`kept_run` and :func:`kept_confirmation`.
    seconds, machine : bytes
        What does: the time it took, eight bytes of a float, and a line of JSON.
    """

    arm: bytes
    seed: int
    payload: bytes
    seconds: bytes
    machine: bytes

    @property
    def took(self) -> float:
        """Seconds as a number."""
        (seconds,) = struct.unpack("<d", self.seconds)
        return float(seconds)

    def seal(self, comparison: str, kind: str) -> bytes:
        """Return the SHA-256 of the record and of all that it is found by."""
        keys = f"{comparison} {kind} {self.seed} {len(self.payload)} {len(self.machine)}".encode()
        return hashlib.sha256(b"\n".join((keys, self.arm, self.seconds, self.machine, self.payload))).digest()


# -- keys


def digest_of(data: Any) -> str:
    """Return the SHA-256 of plain data: dicts in any order, lists, text, numbers, None.

    Examples
    --------
    >>> digest_of({"b": [1, 2.5], "a": None}) == digest_of({"a": None, "b": (1, 2.5)})
    True
    >>> len(digest_of("adam"))
    64
    """
    return hashlib.sha256(as_json(data)).hexdigest()


def digest_of_arrays(*arrays: NDArray[Any]) -> str:
    """Return the SHA-256 of arrays: dtype, shape and values of each.

    Parameters
    ----------
    *arrays : ndarray
        Any shape and order in memory; of a memory map only a block at a time is read. The three arrays of a CSR
        matrix stand for it.

    Raises
    ------
    TypeError
        An array of Python objects.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.arange(6.0).reshape(2, 3)
    >>> digest_of_arrays(X) == digest_of_arrays(np.asfortranarray(X))
    True
    >>> digest_of_arrays(X) == digest_of_arrays(X.reshape(3, 2))
    False
    """
    digest = hashlib.sha256()
    for array in arrays:
        if array.dtype.hasobject:
            raise TypeError("an array of Python objects has no bytes to take a digest of")
        digest.update(f"{array.dtype.str} {array.shape}\n".encode())
        if array.ndim == 0:
            digest.update(array.tobytes())
        elif array.size:
            rows = max(1, _BLOCK // max(array[:1].nbytes, 1))
            for first in range(0, len(array), rows):
                digest.update(np.ascontiguousarray(array[first : first + rows]).view(np.uint8).data)
    return digest.hexdigest()


def arm_key(arm: Arm) -> bytes:
    """Return the SHA-256 of all that decides what an arm does: its name, the formula, its numbers, how its slots start.

    A variant counts too; where there is none, the model and the settings count in the key of the comparison.

    Examples
    --------
    >>> from thalweg.comparison.plan import Arm
    >>> from thalweg.formulas.rules import adam
    >>> arms = [Arm("adam", rule, 0.1) for rule in (adam(learning_rate=0.1), adam(learning_rate=0.1, beta1=0.5))]
    >>> len({arm_key(arm) for arm in arms})
    2
    """
    starts = arm.rule.init(np.ones(1)).ravel().tolist()
    said = [arm.name, arm.learning_rate, arm.rule.fingerprint, arm.rule.hyperparameters, arm.rule.slots, starts]
    if arm.variant is not None:
        said.append(deciding(arm.variant.model, arm.variant.settings))
    return hashlib.sha256(as_json(said)).digest()


# -- runs


def kept_run(outcome: Outcome, arm: bytes) -> Kept:
    """Return a run as the store keeps it.

    The payload is what :meth:`~thalweg.comparison.outcome.Outcome.line` says, in two parts: a line of JSON, and after
    it the numbers of the curves, eight bytes each. Written out they would take three times the time and the room.
    """
    record = outcome.record
    curves = (record.loss_curve, record.step_losses, outcome.losses)
    said = {name: value for name, value in vars(record).items() if name not in _APART}
    if record.divergence is not None:
        said["divergence"] = vars(record.divergence)
    run = {"rule": outcome.arm.name, "learning_rate": outcome.arm.learning_rate, "seed": outcome.seed}
    head = {"run": run, "record": said, "lengths": [len(curve) for curve in curves]}
    try:
        text = _encode(head)
    except (TypeError, ValueError):  # NumPy's numbers, and such as are not finite
        text = _encode(plain(head))
    numbers = struct.pack(f"<{sum(map(len, curves))}d", *itertools.chain(*curves))
    return Kept(
        arm,
        outcome.seed,
        text.encode() + b"\n" + numbers,
        struct.pack("<d", record.seconds),
        _machine(tuple(record.machine.items())),
    )


_CURVES = ("loss_curve", "step_losses")
_APART = {*_CURVES, "seconds", "machine"}


def run_of(kept: Kept) -> dict[str, Any]:
    """Return a run as plain data: what its line says, with the time it took, and the machine, in the record."""
    text, _, numbers = kept.payload.partition(b"\n")
    data: dict[str, Any] = json.loads(text)
    values = iter(struct.unpack(f"<{len(numbers) // 8}d", numbers))
    *curves, losses = (list(itertools.islice(values, length)) for length in data.pop("lengths"))
    own = {
        "seconds": kept.took,
        "machine": dict(_read_machine(kept.machine)),
        **dict(zip(_CURVES, curves, strict=True)),
    }
    return {**data, "record": data["record"] | own, "validation_losses": losses}


def outcome_of(kept: Kept, arm: Arm) -> Outcome:
    """Return a run as it was, with the arm as the caller has it: rules are not read from files."""
    from thalweg.comparison.outcome import Outcome

    data = run_of(kept)
    return Outcome(arm, kept.seed, Record.from_dict(data["record"]), tuple(data["validation_losses"]))


def kept_confirmation(confirmation: Confirmation, arm: bytes) -> Kept:
    """Return a confirmation as the store keeps it: the payload is a line of JSON."""
    said = {name: value for name, value in vars(confirmation).items() if name != "seconds"}
    return Kept(arm, confirmation.seed, as_json(said), struct.pack("<d", confirmation.seconds), b"{}")


def confirmation_of(kept: Kept) -> Confirmation:
    """Return a confirmation as it was."""
    from thalweg.comparison.outcome import Confirmation

    data = json.loads(kept.payload)
    scores = {name: float(value) for name, value in data["scores"].items()}
    return Confirmation(**{**data, "loss": float(data["loss"]), "scores": scores, "seconds": kept.took})


def seal_of(key: bytes, created: bytes, description: bytes) -> bytes:
    """Return the SHA-256 of a description and of what it is found by."""
    return hashlib.sha256(b"\n".join((key, created, description))).digest()


def as_json(data: Any) -> bytes:
    """Return plain data as one line of JSON, the same for the same data."""
    return _encode(plain(data)).encode()


_encode = json.JSONEncoder(sort_keys=True, allow_nan=False).encode


@lru_cache(maxsize=8)  # the same for all runs of a process
def _machine(parts: tuple[tuple[str, str], ...]) -> bytes:
    return as_json(dict(parts))


@lru_cache(maxsize=8)
def _read_machine(text: bytes) -> dict[str, str]:
    parts: dict[str, str] = json.loads(text)
    return parts
