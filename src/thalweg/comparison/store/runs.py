"""The store as a comparison sees it: what is finished, what is added, who works on what."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, final

from thalweg.comparison.store import claims, rows
from thalweg.comparison.store.claims import Claim, Watch
from thalweg.comparison.store.database import Database
from thalweg.comparison.store.place import named
from thalweg.comparison.store.records import (
    CONFIRMATION,
    RUN,
    Kept,
    arm_key,
    as_json,
    confirmation_of,
    kept_confirmation,
    kept_run,
    outcome_of,
    run_of,
)
from thalweg.comparison.store.rescue import rescue
from thalweg.comparison.store.rows import Held

if TYPE_CHECKING:
    from thalweg.comparison.outcome import Confirmation, Outcome
    from thalweg.comparison.plan import Arm

T = TypeVar("T")
Tell = Callable[[str], None]


class StoreWarning(UserWarning):
    """A record of a store is damaged; its run is made again."""


@final
class Store:
    """Finished runs in one file. Made by :meth:`open`; a context manager.

    Threads may share a store. Processes may not, and it does not outlive a fork: each opens its own.
    """

    def __init__(self, database: Database, tell: Tell) -> None:
        self._database = database
        self._tell = tell

    @classmethod
    def open(
        cls,
        path: str | PathLike[str],
        *,
        new: bool = True,
        patience: float = 60.0,
        tell: Tell | None = None,
    ) -> Store:
        """Open a store, and make it where there is none.

        Parameters
        ----------
        path : path-like
            The file, ``runs.sqlite`` say, in a folder that is there.
        new : bool
            False refuses a file that is not there.
        patience : float
            Seconds to wait for a process that has the store to itself.
        tell : callable, optional
            Takes a line, ``CODE: text``, for each time that damaged records are found; without it they are warned of.

        Raises
        ------
        StorageError
            STORE-OPEN: the place cannot hold a store, or the file is no store, or a newer version's. STORE-MISSING,
            STORE-CORRUPT, STORE-BUSY. The file is left as it was.
        """
        return cls(Database(path, new=new, patience=patience), tell or _warn)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the store; what was added is on the disk already."""
        self._database.close()

    def comparison(self, key: str, description: Mapping[str, Any]) -> Comparison:
        """Return the comparison of this key, registered where it is new.

        Parameters
        ----------
        key : str
            Digest of everything that decides the numbers of its runs, arms and seeds apart: data, model, settings,
            type, version of the library.
        description : mapping
            Plain data for people; what is there already is left.

        Raises
        ------
        StorageError
        """
        with self._database.reading() as connection:
            found = rows.find(connection, key)
        if found is None or not found[1]:
            with self._database.writing(durable=False) as connection:  # the first run will be
                found = rows.find(connection, key)  # another process may have been first
                number = found[0] if found and found[1] else rows.register(connection, key, as_json(dict(description)))
            if found and not found[1]:
                self._tell(
                    f"STORE-DAMAGED: the description of comparison {named(key[:8])} was damaged; it is written anew"
                )
            return Comparison(self._database, self._tell, key, number)
        return Comparison(self._database, self._tell, key, found[0])

    # -- for whoever looks at a store

    def held(self) -> list[Held]:
        """Return all comparisons, the latest first."""
        with self._database.reading() as connection:
            found = rows.list_all(connection)
        for held in found:
            if not held.created:
                self._tell(f"STORE-DAMAGED: the description of comparison {held.key[:8]} is damaged")
        return found

    def runs(self, key: str) -> list[dict[str, Any]]:
        """Return the whole runs of a comparison as plain data, by rule, learning rate and seed.

        Each is what :meth:`thalweg.comparison.outcome.Outcome.line` says, with ``"seconds"`` and ``"machine"`` in the
        record.
        """
        return self._plain(key, RUN)

    def confirmations(self, key: str) -> list[dict[str, Any]]:
        """Return the whole confirmations of a comparison as plain data, by rule, learning rate and seed."""
        return self._plain(key, CONFIRMATION)

    def delete(self, key: str) -> int:
        """Delete a comparison with all that belongs to it; return how many runs went."""
        with self._database.writing() as connection:
            found = rows.find(connection, key)
            if found is None:
                return 0
            runs = len(rows.select(connection, found[0], RUN))
            connection.execute("DELETE FROM comparisons WHERE id = ?", (found[0],))
        return runs

    def rescue(self, damaged: str | PathLike[str]) -> tuple[int, int]:
        """Take over all that is whole in a damaged store, which is only read.

        Returns
        -------
        comparisons, records : int
            How many are whole there.

        Raises
        ------
        StorageError
            STORE-OPEN where nothing in it can be read.
        """
        return rescue(damaged, self._database)

    def _plain(self, key: str, kind: str) -> list[dict[str, Any]]:
        with self._database.reading() as connection:
            found = rows.find(connection, key)
            there = rows.select(connection, found[0], kind) if found else []
        whole = rows.whole(there, key, kind)
        _tell_damage(self._tell, self._database, len(there) - len(whole), kind)
        ordered = []
        for kept in whole:
            data = run_of(kept) if kind == RUN else {**json.loads(kept.payload), "seconds": kept.took}
            run = data["run"] if kind == RUN else {"rule": data["name"], "learning_rate": data["learning_rate"]}
            rate = run["learning_rate"]
            ordered.append(((run["rule"], rate is not None, rate or 0.0, kept.seed, kept.arm), data))
        return [data for _, data in sorted(ordered, key=lambda pair: pair[0])]


@final
class Comparison:
    """One comparison of a store. Made by :meth:`Store.comparison`."""

    def __init__(self, database: Database, tell: Tell, key: str, number: int) -> None:
        self.key = key
        self._database, self._tell, self._number = database, tell, number
        self._watch, self._holder = Watch(), claims.here()
        self._arms: dict[Arm, bytes] = {}

    def key_of(self, arm: Arm) -> bytes:
        """Return :func:`arm_key`, computed once for all runs of an arm."""
        if arm not in self._arms:
            self._arms[arm] = arm_key(arm)
        return self._arms[arm]

    # -- runs

    def finished(self, arms: Iterable[Arm]) -> dict[tuple[Arm, int], Outcome]:
        """Return the runs of these arms that are kept, of all seeds; a damaged one is told of and left out."""
        return self._found(RUN, arms, outcome_of)

    def add(self, outcomes: Iterable[Outcome]) -> int:
        """Keep runs, all of them or, on an error, none; return how many are new.

        A run that is kept already, by another process say, is left as it is: same key, same numbers.

        Raises
        ------
        StorageError
            STORE-WRITE, STORE-BUSY, STORE-CORRUPT; STORE-GONE where another process has deleted the comparison.
        """
        kept = self._kept(outcomes)
        with self._database.writing() as connection:
            return rows.insert(connection, self._number, self.key, RUN, kept)

    def confirmed(self, arms: Iterable[Arm]) -> dict[tuple[Arm, int], Confirmation]:
        """Return the confirmations of these arms that are kept."""
        return self._found(CONFIRMATION, arms, lambda kept, _: confirmation_of(kept))

    def confirm(self, confirmations: Iterable[tuple[Arm, Confirmation]]) -> int:
        """Keep confirmations, each with its arm, as :meth:`add` keeps runs."""
        kept = [kept_confirmation(confirmation, self.key_of(arm)) for arm, confirmation in confirmations]
        with self._database.writing() as connection:
            return rows.insert(connection, self._number, self.key, CONFIRMATION, kept)

    # -- units of work that processes share

    def claim(self, unit: str, lease_seconds: float = 60.0) -> Claim | None:
        """Claim a unit of work; None where another has it, or it is done.

        Parameters
        ----------
        unit : str
            Its name, the same in all processes.
        lease_seconds : float
            The holder gives a sign of life (:meth:`Claim.renew`) more often than this. When it is silent for longer,
            or its process is known to have ended, the next to ask gets the unit.
        """
        with self._database.reading() as connection:  # most who ask are refused: they need not wait for writers
            may, _ = claims.free(connection, self._number, unit, self._watch)
        if not may:
            return None
        with self._database.writing(durable=False) as connection:
            attempt = claims.take(connection, self._number, unit, lease_seconds, self._watch, self._holder)
        return None if attempt is None else Claim(unit, attempt, lease_seconds, self._renew)

    def release(self, claim: Claim, outcomes: Iterable[Outcome]) -> bool:
        """Keep the runs of a unit and note that it is done, in one transaction.

        Returns
        -------
        bool
            False where another has taken the unit over: then nothing is kept.
        """
        return self._release(claim, RUN, self._kept(outcomes))

    def release_confirmed(self, claim: Claim, confirmations: Iterable[tuple[Arm, Confirmation]]) -> bool:
        """Keep the confirmations of a unit, each with its arm, as :meth:`release` keeps runs."""
        kept = [kept_confirmation(confirmation, self.key_of(arm)) for arm, confirmation in confirmations]
        return self._release(claim, CONFIRMATION, kept)

    def _release(self, claim: Claim, kind: str, kept: list[Kept]) -> bool:
        with self._database.writing() as connection:
            if not claims.settle(connection, self._number, claim):
                return False
            rows.insert(connection, self._number, self.key, kind, kept)
        return True

    def give_up(self) -> None:
        """Let others have at once what was claimed here and has no result.

        Also a unit whose claim was written and never returned, because Ctrl-C came between the two.
        """
        with self._database.writing(durable=False) as connection:
            claims.give_up(connection, self._number, self._holder)

    def reopen(self, unit: str) -> None:
        """Let a unit be claimed again that is done, as where one of its runs turns out to be damaged."""
        with self._database.writing(durable=False) as connection:
            claims.reopen(connection, self._number, unit)

    def settled(self) -> set[str]:
        """Return the units that are done."""
        with self._database.reading() as connection:
            return claims.settled(connection, self._number)

    def _renew(self, claim: Claim) -> bool:
        with self._database.writing(durable=False) as connection:
            return claims.beat(connection, self._number, claim)

    # -- records

    def _kept(self, outcomes: Iterable[Outcome]) -> list[Kept]:
        return [kept_run(outcome, self.key_of(outcome.arm)) for outcome in outcomes]

    def _found(self, kind: str, arms: Iterable[Arm], read: Callable[[Kept, Arm], T]) -> dict[tuple[Arm, int], T]:
        found: dict[tuple[Arm, int], T] = {}
        damaged, first = 0, ""
        with self._database.reading() as connection:
            for arm in arms:
                there = rows.select(connection, self._number, kind, self.key_of(arm))
                whole = rows.whole(there, self.key, kind, self.key_of(arm))
                found |= {(arm, kept.seed): read(kept, arm) for kept in whole}
                damaged += len(there) - len(whole)
                if damaged and not first:
                    rate = "" if arm.learning_rate is None else f" at {arm.learning_rate:g}"
                    first = f" (the first: {named(arm.name)}{rate})"
        _tell_damage(self._tell, self._database, damaged, kind, first)
        return found


def _tell_damage(tell: Tell, database: Database, count: int, kind: str, first: str = "") -> None:
    if count:
        records = f"1 {kind}" if count == 1 else f"{count} {kind}s"
        tell(f"STORE-DAMAGED: {records} in {named(database.file)} damaged{first}; left out, as if never made")


def _warn(line: str) -> None:
    warnings.warn(line, StoreWarning, stacklevel=5)
