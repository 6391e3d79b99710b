"""Who works on what: units of work that several processes share, and what becomes of them when one dies."""

from __future__ import annotations

import json
import os
import platform
import secrets
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

_HELD, _FREE, _DONE = "held", "free", "done"


@final
@dataclass(frozen=True)
class Claim:
    """A unit of work that this process has to itself, until it gives it back or is taken for dead.

    Attributes
    ----------
    unit : str
    attempt : int
        From 1; how often the unit has been claimed. A result is accepted from the last attempt only.
    lease : float
        Seconds that may pass between signs of life.
    """

    unit: str
    attempt: int
    lease: float
    _renew: Callable[[Claim], bool] = field(repr=False, compare=False)

    def renew(self) -> bool:
        """Give a sign of life; False where another has taken the unit over, so that the work is for nothing."""
        return self._renew(self)


@final
class Watch:
    """What this process has seen of the holders of units.

    No clock of one process is compared with that of another: a holder is dead when nothing of it has been seen for a
    lease, measured on the monotonic clock of whoever waits. Where both are on one machine, a dead process is known to
    be dead at once.

    Parameters
    ----------
    clock : callable
        Gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[tuple[int, str], tuple[tuple[int, int], float]] = {}

    def alive(self, comparison: int, unit: str, sign: tuple[int, int], lease: float, holder: bytes) -> bool:
        """Tell whether the holder may still be at work.

        Parameters
        ----------
        comparison, unit : int, str
            What is held.
        sign : (int, int)
            Its attempt, and the signs of life in it.
        lease : float
            Seconds that the holder has promised not to be silent for.
        holder : bytes
            As :func:`here` describes a process.
        """
        if _ended(holder):
            return False
        now = self._clock()
        last, since = self._seen.get((comparison, unit), (None, now))
        if last != sign:
            self._seen[comparison, unit] = sign, now
            return True
        return bool(now - since <= lease)


def here() -> str:
    """Describe a new holder: this process, so that others on its machine can tell when it is gone, and a mark."""
    told = {"place": _place(), "process": os.getpid(), "born": _born(os.getpid()), "mark": secrets.token_hex(8)}
    return json.dumps(told)


def _ended(holder: bytes) -> bool:
    """Tell whether a process is known to be gone; False where that cannot be known."""
    try:
        told = json.loads(holder)
        place, process, born = told["place"], int(told["process"]), told["born"]
    except (ValueError, TypeError, KeyError):
        return True  # damaged: whoever it was cannot be waited for
    if place != _place() or born is None:
        return False
    return bool(_born(process) != born)


def _place() -> str:
    """Return the name of the machine since it was started, and of the room of processes that this one sees."""
    try:
        started = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{started} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return platform.node()


def _born(process: int) -> str | None:
    """Return when a process began, in the system's own measure; None where it is gone, or the system does not say."""
    try:
        fields = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else fields[19].decode()


# -- in the store


def take(
    connection: sqlite3.Connection, comparison: int, unit: str, lease: float, watch: Watch, holder: str
) -> int | None:
    """Claim a unit inside a transaction that writes; return the number of the attempt, None where another has it."""
    may, attempt = free(connection, comparison, unit, watch)
    if not may:
        return None
    connection.execute(
        "INSERT INTO units VALUES (?, ?, ?, ?, 0, ?, ?) ON CONFLICT (comparison, unit) DO UPDATE SET beat = 0,"
        " state = excluded.state, attempt = excluded.attempt, lease = excluded.lease, holder = excluded.holder",
        (comparison, unit, _HELD, attempt + 1, lease, holder),
    )
    return attempt + 1


def free(connection: sqlite3.Connection, comparison: int, unit: str, watch: Watch) -> tuple[bool, int]:
    """Tell whether a unit may be claimed, and how often it has been."""
    found = connection.execute(
        "SELECT state, attempt, beat, lease, holder FROM units WHERE comparison = ? AND unit = ?", (comparison, unit)
    ).fetchone()
    if found is None:
        return True, 0
    try:
        state, attempt, beats, lease, holder = (
            found[0].decode(),
            int(found[1]),
            int(found[2]),
            float(found[3]),
            found[4],
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise sqlite3.DatabaseError("a unit of work cannot be read") from error
    if state == _HELD:
        return not watch.alive(comparison, unit, (attempt, beats), lease, holder), attempt
    return state != _DONE, attempt


def beat(connection: sqlite3.Connection, comparison: int, claim: Claim) -> bool:
    """Note a sign of life of the holder."""
    return _change(connection, "beat = beat + 1", comparison, claim)


def settle(connection: sqlite3.Connection, comparison: int, claim: Claim) -> bool:
    """Note that a unit is done; False where the claim is no longer the last."""
    return _change(connection, f"state = '{_DONE}'", comparison, claim)


def give_up(connection: sqlite3.Connection, comparison: int, holder: str) -> None:
    """Free all that a holder has."""
    where = "comparison = ? AND holder = ? AND state = ?"
    connection.execute(f"UPDATE units SET state = ? WHERE {where}", (_FREE, comparison, holder, _HELD))  # noqa: S608 - it is above


def _change(connection: sqlite3.Connection, what: str, comparison: int, claim: Claim) -> bool:
    where = "comparison = ? AND unit = ? AND attempt = ? AND state = ?"
    values = (comparison, claim.unit, claim.attempt, _HELD)
    changed = connection.execute(f"UPDATE units SET {what} WHERE {where}", values)  # noqa: S608 - both are above
    return changed.rowcount == 1


def reopen(connection: sqlite3.Connection, comparison: int, unit: str) -> None:
    """Let a unit that is done be claimed once more."""
    connection.execute(
        "UPDATE units SET state = ? WHERE comparison = ? AND unit = ? AND state = ?", (_FREE, comparison, unit, _DONE)
    )


def settled(connection: sqlite3.Connection, comparison: int) -> set[str]:
    """Return the units that are done."""
    found = connection.execute("SELECT unit FROM units WHERE comparison = ? AND state = ?", (comparison, _DONE))
    return {unit.decode() for (unit,) in found}
