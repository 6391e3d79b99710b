"""Processes that work with one store at once, some of which are killed; tests run this file in a process of its own.

``python -m tests.comparison.store_workers NAME PATH NUMBER...`` imports what is needed once, forks the workers, and
ends with a line of JSON about them, or with an error.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.comparison.outcomes import many_arms, outcome, outcomes

from thalweg.comparison.outcome import Outcome
from thalweg.comparison.plan import Plan
from thalweg.comparison.store import Claim, Store

KEY = "what all have in common"
CHANCE = random.Random(0)  # noqa: S311 - when to die


def fork(work: Callable[..., None], *arguments: Any) -> int:
    """Begin the work in a process of its own; return its number."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        CHANCE.seed(os.getpid())
        work(*arguments)
        status = 0
    except BaseException:  # noqa: BLE001 - a child must not go on in its parent's code
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def join(children: list[int]) -> None:
    """Wait for children, none of which may fail."""
    for child in children:
        _, status = os.waitpid(child, 0)
        if status:
            sys.exit(f"a worker failed with {status}")


def fail_on(line: str) -> None:
    raise AssertionError(line)


# C7: cold start by a crowd


def crowd(path: Path, processes: int, runs: int, repeats: int) -> dict[str, Any]:
    """Let many processes open a store that does not exist, all at one moment, and add runs one by one."""
    rows = 0
    for repeat in range(repeats):
        store = path.with_name(f"{repeat}.sqlite")
        gate, opener = os.pipe()
        children = [fork(_one_of_the_crowd, store, gate, opener, k, runs) for k in range(processes)]
        os.close(gate)
        os.close(opener)  # they all begin
        join(children)
        with Store.open(store, tell=fail_on) as opened:
            (held,) = opened.held()
            seeds = {(run["run"]["learning_rate"], run["run"]["seed"]) for run in opened.runs(KEY)}
            assert held.runs == len(seeds)
            rows += held.runs
    return {"rows": rows}


def _one_of_the_crowd(path: Path, gate: int, opener: int, number: int, runs: int) -> None:
    os.close(opener)
    os.read(gate, 1)
    (arm,) = many_arms(1)
    with Store.open(path, tell=fail_on) as store:
        comparison = store.comparison(KEY, {"by": number})
        for k in range(runs):
            assert comparison.add([outcome(arm, number * runs + k)]) == 1


# C8: one unit, one worker


def claims(path: Path, workers: int, units: int, kills: int) -> dict[str, Any]:
    """Let workers share units while some are killed and some fall asleep; each unit has one accepted result."""
    log = os.open(path.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    names = [str(k) for k in range(units)]
    gate, opener = os.pipe()  # nobody leaves before all have been killed that are to be, however late they are
    alive = {fork(_claim, path, names, log, gate, opener) for _ in range(workers)}
    for _ in range(kills):
        time.sleep(CHANCE.uniform(0.0, 0.02))
        child = CHANCE.choice(sorted(alive))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            sys.exit(f"a worker failed with {status}")
        alive.remove(child)
        alive.add(fork(_claim, path, names, log, gate, opener))
    os.close(opener)
    join(sorted(alive))
    accepted = [line.split() for line in path.with_suffix(".log").read_text().splitlines()]
    arms = many_arms(units)
    with Store.open(path, tell=fail_on) as store:
        comparison = store.comparison(KEY, {})
        found = comparison.finished(arms)
        assert comparison.settled() == set(names)
    # A worker may die between the store's answer and its line in the log, but no unit has two lines.
    assert len({unit for unit, _ in accepted}) == len(accepted)
    assert set(found) == {(arm, 0) for arm in arms}
    for unit, attempt in accepted:
        assert found[arms[int(unit)], 0].record.steps == int(attempt)
    return {"accepted": len(accepted), "again": sum(kept.record.steps > 1 for kept in found.values())}


def _claim(path: Path, names: list[str], log: int, gate: int, opener: int) -> None:
    os.close(opener)
    _share(path, names, log)
    os.read(gate, 1)


def _share(path: Path, names: list[str], log: int) -> None:
    arms = many_arms(len(names))
    with Store.open(path, tell=fail_on) as store:
        comparison = store.comparison(KEY, {})
        while missing := [name for name in names if name not in comparison.settled()]:
            for unit in CHANCE.sample(missing, min(10, len(missing))):
                lease = 0.03 if unit == "0" else CHANCE.choice([0.03, 5.0])
                claim = comparison.claim(unit, lease)
                if claim is None:
                    continue
                # Some are silent for too long; the first who has the first unit certainly is.
                time.sleep(CHANCE.choice([0.0, 0.002, 0.06 if lease < 1 else 0.0]))
                while (unit, claim.attempt) == ("0", 1) and _is_last(path, claim):
                    time.sleep(0.01)
                # Which attempt was accepted can be read from the run.
                made = outcome(arms[int(unit)], 0)
                made = Outcome(made.arm, 0, _with_steps(made, claim.attempt), made.losses)
                if comparison.release(claim, [made]):
                    os.write(log, f"{unit} {claim.attempt}\n".encode())


def _is_last(path: Path, claim: Claim) -> bool:
    """Tell whether no other has taken a unit over; asking is no sign of life."""
    with closing(sqlite3.connect(path, timeout=60.0)) as connection:
        found = connection.execute("SELECT attempt FROM units WHERE unit = ?", (claim.unit,)).fetchone()
    return bool(found == (claim.attempt,))


def _with_steps(made: Outcome, steps: int) -> Any:
    from dataclasses import replace

    return replace(made.record, steps=steps)


# C9: readers never disturb writers


def readers(path: Path, writers: int, looking: int, seconds: int) -> dict[str, Any]:
    """Let some read all there is, again and again, while others add; nobody fails, nothing is seen in part."""
    ends = time.monotonic() + seconds
    Store.open(path).close()
    children = [fork(_write, path, k, ends) for k in range(writers)]
    join([*children, *(fork(_read, path, writers, ends) for _ in range(looking))])
    with Store.open(path, tell=fail_on) as store:
        (held,) = store.held()
    return {"rows": held.runs}


_OF_A_WRITER = 100_000  # arms


def _write(path: Path, number: int, ends: float) -> None:
    with Store.open(path, tell=fail_on) as store:
        comparison = store.comparison(KEY, {})
        for k in itertools.count(number * _OF_A_WRITER):
            assert comparison.add(outcomes(many_arms(1, k), 5)) == 5
            if time.monotonic() > ends:
                break


def _read(path: Path, writers: int, ends: float) -> None:
    last = -1
    arms = [arm for k in range(writers) for arm in many_arms(20, k * _OF_A_WRITER)]
    while last < 0 or time.monotonic() < ends:
        with Store.open(path, tell=fail_on) as store:  # as `thalweg runs` does, each time anew
            held = store.held()
            rows = sum(each.runs for each in held)
            assert rows >= last
            assert rows % 5 == 0
            last = rows
            assert len(store.runs(KEY)) % 5 == 0
            found = store.comparison(KEY, {}).finished(arms)
            assert len(found) % 5 == 0
            assert all(kept == outcome(*run) for run, kept in found.items())


# C1: a sweep that is killed again and again


def sweep(path: Path, kills: int, seed: int) -> dict[str, Any]:
    """Kill a sweep of real runs at random moments; what is in the store in the end is what an unbroken one gives."""
    problem = _Sweep()
    unbroken = {run: problem.run(*run).line() for run in problem.plan}
    killed, sweeps, double = 0, 0, 0
    CHANCE.seed(seed)
    while killed < kills:
        store = path.with_name(f"{sweeps}.sqlite")
        kept: set[str] = set()
        while True:
            ours, theirs = os.pipe()
            child = fork(problem.go_on, store, theirs)
            os.close(theirs)
            if killed < kills:
                time.sleep(CHANCE.uniform(0.0, 0.08))
                os.kill(child, signal.SIGKILL)
            said = b"".join(iter(lambda end=ours: os.read(end, 1 << 16), b"")).decode().splitlines()
            os.close(ours)
            _, status = os.waitpid(child, 0)
            killed += os.WIFSIGNALED(status)
            begun = {line[1:] for line in said if line.startswith("<")}
            double += len(begun & kept)  # begun anew although it was acknowledged
            kept |= {line[1:] for line in said if line.startswith(">")}
            if not os.WIFSIGNALED(status):
                break
        assert status == 0
        assert kept == {f"{arm.name} {arm.learning_rate} {seed}" for arm, seed in problem.plan}
        with Store.open(store, tell=fail_on) as opened:
            found = opened.comparison(KEY, {}).finished(problem.plan.arms)
        assert {run: made.line() for run, made in found.items()} == unbroken
        sweeps += 1
    return {"killed": killed, "sweeps": sweeps, "double": double}


class _Sweep:
    """Small runs of a linear model."""

    def __init__(self) -> None:
        import numpy as np

        from thalweg.descent.batches import Rows
        from thalweg.descent.models import Linear
        from thalweg.formulas.rules import adam, gradient_descent

        rng = np.random.default_rng(0)
        X = rng.standard_normal((60, 3))
        y = (X @ [1.0, -2.0, 0.5])[:, np.newaxis]
        self.model, self.train, self.validation = Linear(3), Rows.of(X[:40], y[:40]), (X[40:], y[40:])
        self.plan = Plan.of({"adam": adam, "gd": gradient_descent}, 5, 4)

    def run(self, arm: Any, seed: int) -> Outcome:
        from thalweg.descent.outputs import mean_loss
        from thalweg.descent.run import Run
        from thalweg.descent.settings import Settings
        from thalweg.formulas.losses import squared

        def loss(run: Run) -> float:
            X, y = self.validation
            return mean_loss(squared, y, self.model.scores(run.theta, X))

        settings = Settings(arm.rule, squared, batch_size=8, max_iter=4)
        run = Run(self.model, self.train, settings, random_state=seed)
        losses = [loss(run)]
        run.descend(callbacks=[lambda run: losses.append(loss(run))])
        return Outcome(arm, seed, run.record(), tuple(losses))

    def go_on(self, path: Path, said: int) -> None:
        """Make the runs that are missing; say which is begun, and which are acknowledged."""
        with Store.open(path, tell=fail_on) as store:
            comparison = store.comparison(KEY, {})
            done = comparison.finished(self.plan.arms)
            for batch in _batches([run for run in self.plan if run not in done], 3):
                made = []
                for arm, seed in batch:
                    os.write(said, f"<{arm.name} {arm.learning_rate} {seed}\n".encode())
                    made.append(self.run(arm, seed))
                comparison.add(made)
                for each in made:
                    os.write(said, f">{each.arm.name} {each.arm.learning_rate} {each.seed}\n".encode())
            names = [f">{arm.name} {arm.learning_rate} {seed}\n" for arm, seed in comparison.finished(self.plan.arms)]
            os.write(said, "".join(names).encode())


def _batches(items: list[Any], size: int) -> Iterator[list[Any]]:
    for first in range(0, len(items), size):
        yield items[first : first + size]


if __name__ == "__main__":
    name, place, *numbers = sys.argv[1:]
    work: Callable[..., dict[str, Any]] = {"crowd": crowd, "claims": claims, "readers": readers, "sweep": sweep}[name]
    print(json.dumps(work(Path(place), *map(int, numbers))))  # noqa: T201
