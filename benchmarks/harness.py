"""Rounds: every side of a case in a process of its own, taking turns, so that a busy minute hits all of them."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.case import Case, Contest, Sheet, Side

ROOT = Path(__file__).resolve().parent.parent


def environment(threads: int) -> dict[str, str]:
    """Environment of a worker: its threads, and this tree's own source first on the path."""
    count = str(threads)
    changed = {
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "NUMBA_NUM_THREADS": count,
        "JAX_PLATFORMS": "cpu",
    }
    if threads == 1:
        changed["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    # A process that may not write byte code parses every module again, which no user does.
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONDONTWRITEBYTECODE", "XLA_FLAGS"}}
    return kept | changed


class Worker:
    """A running side; ``ask`` makes it do its work once."""

    def __init__(self, case: Case | Sheet, index: int) -> None:
        self._errors = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115 - closed with the worker
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", case.name, str(index)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment(case.threads),
            cwd=ROOT,
            text=True,
        )
        self.failure = ""
        self.ready = self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        last = lines[-1] if lines else f"exit code {self._process.returncode}"
        # The report is kept; where things lie on this machine is nobody's business.
        self.failure = last.replace(sys.executable, "python").replace(str(ROOT), ".")
        return {}

    def ask(self) -> dict[str, Any]:
        """Do the work once more; an empty answer means that it failed (see ``failure``)."""
        assert self._process.stdin is not None
        self._process.stdin.write("round\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End the process and wait for it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._errors.close()


def _status(side: Side) -> str:
    if side.prepare is None:
        return "absent"
    missing = side.missing()
    return f"not installed: {', '.join(missing)}" if missing else ""


def _figures(
    case: Case, side: Side, worker: Worker, first: dict[str, Any], rounds: list[dict[str, Any]]
) -> dict[str, Any]:
    seconds = [one[case.clock] / one["units"] for one in rounds]
    median = statistics.median(seconds)
    difference = worker.ready["difference"]
    return {
        "seconds": median,
        "rounds": seconds,
        "processor_share": statistics.median(one["cpu"] / one["wall"] for one in rounds),
        "units": first["units"],
        # Compilation, loading and warm-up: what the first call took longer than a later one.
        "compile": max(0.0, first[case.clock] - median * first["units"]),
        "prepare": worker.ready["prepare"],
        "difference": difference,
        "agrees": difference is None or side.tolerance is None or difference <= side.tolerance,
    }


class Turns:
    """Rounds in which nobody else needs the processors of the case; the others are repeated, for a while.

    A round is the work of all sides once, and it is kept or repeated as a whole. On a machine with more processors
    than the case has threads, other processes may use the rest. After ``3 * rounds`` attempts the quietest are taken.
    Where processor seconds are measured, every round will do.
    """

    ATTEMPTS = 3
    SLACK = 0.05

    def __init__(self, workers: dict[int, Worker], rounds: int, threads: int, clock: str) -> None:
        self._workers, self._rounds = workers, rounds
        processors = os.cpu_count() or 1
        self._processors = processors
        self._allowed = 1.0 if clock == "cpu" else max(0.0, 1 - threads / processors) + self.SLACK
        self._done: list[tuple[float, dict[int, dict[str, Any]]]] = []

    def run(self) -> None:
        """Take turns until there are enough quiet rounds."""
        for attempt in range(self.ATTEMPTS * self._rounds):
            # The order is reversed every other round, so that no side always comes after the same one.
            order = list(self._workers) if attempt % 2 == 0 else list(reversed(self._workers))
            began, busy = time.perf_counter(), machine.busy_seconds()
            answers = {index: self._workers[index].ask() for index in order if not self._workers[index].failure}
            own = sum(answer.get("cpu", 0.0) for answer in answers.values())
            others = machine.busy_seconds() - busy - own
            share = max(0.0, others / ((time.perf_counter() - began) * self._processors))
            self._done.append((share, answers))
            if sum(share <= self._allowed for share, _ in self._done) >= self._rounds:
                break

    @property
    def kept(self) -> list[dict[int, dict[str, Any]]]:
        """Answers of the quietest rounds, by worker."""
        quiet = sorted(self._done, key=lambda one: one[0])[: self._rounds]
        return [answers for _, answers in quiet]

    def summary(self) -> dict[str, Any]:
        """Rounds kept and repeated, and the share of the processors that others had in those kept."""
        shares = sorted(share for share, _ in self._done)
        return {
            "rounds": min(self._rounds, len(shares)),
            "repeated": max(0, len(shares) - self._rounds),
            "others": statistics.median(shares[: self._rounds]) if shares else 0.0,
            "quiet": sum(share <= self._allowed for share in shares) >= self._rounds,
        }


def measure(case: Case, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Run a case: check every side's result, warm it up, then time all sides in turn, ``rounds`` times.

    Returns
    -------
    dict
        ``sides``: one entry per side, ours first, with ``status`` "" where it was measured; ``others``: share of the
        processors that went to other processes meanwhile.
    """
    rounds = max(min(rounds, case.rounds_at_most), case.rounds_at_least)
    sides: list[dict[str, Any]] = []
    workers: dict[int, Worker] = {}
    for index, side in enumerate(case.sides):
        entry = {
            "name": side.name,
            "status": _status(side),
            "at_most": side.at_most,
            "tolerance": side.tolerance,
            "note": side.note,
        }
        sides.append(entry)
        if entry["status"]:
            continue
        worker = Worker(case, index)
        if worker.failure:
            missing = worker.failure.startswith(("ImportError", "ModuleNotFoundError"))
            entry["status"] = f"not installed: {worker.failure}" if missing else f"failed: {worker.failure}"
            worker.close()
        else:
            workers[index] = worker
    firsts = {index: worker.ask() for index, worker in workers.items()}
    turns = Turns(workers, rounds, case.threads, case.clock)
    turns.run()
    for index, worker in workers.items():
        worker.close()
        if worker.failure:
            sides[index]["status"] = f"failed: {worker.failure}"
        else:
            answers = [answers[index] for answers in turns.kept]
            sides[index] |= _figures(case, case.sides[index], worker, firsts[index], answers)
            say(f"  {sides[index]['name']}: {sides[index]['seconds']:.3e} s per {case.unit}")
    result = {
        "kind": "case",
        "name": case.name,
        "work": case.work,
        "unit": case.unit,
        "threads": case.threads,
        "clock": case.clock,
        "beyond": case.beyond,
        "within": case.within,
        "sides": sides,
        **turns.summary(),
    }
    _judge(result)
    return result


def _judge(result: dict[str, Any]) -> None:
    """Ratio of ours to every peer, and whether the target is reached (None: cannot be said, or no target)."""
    ours, *peers = result["sides"]
    judged = result["within"] is not None and "seconds" in ours and result["quiet"]
    ours["reached"] = ours["agrees"] and ours["seconds"] <= result["within"] if judged else None
    for position, peer in enumerate(peers):
        measured = "seconds" in ours and "seconds" in peer
        peer["ratio"] = ours["seconds"] / peer["seconds"] if measured else None
        peer["beyond"] = ours["seconds"] - peer["seconds"] if measured and result["beyond"] is not None else None
        # On a busy machine threads wait for each other, whoever they belong to: such a ratio says nothing.
        measured = measured and result["quiet"]
        equal_work = measured and ours["agrees"] and peer["agrees"]
        if not measured or (peer["at_most"] is None and (result["beyond"] is None or position)):
            peer["reached"] = None
        elif peer["at_most"] is not None:
            peer["reached"] = equal_work and peer["ratio"] <= peer["at_most"]
        else:
            peer["reached"] = equal_work and peer["beyond"] <= result["beyond"]


def measure_sheet(sheet: Sheet, rounds: int) -> dict[str, Any]:
    """Run a sheet: all its rows in one process, round by round; medians per row and column."""
    missing = [module for module in sheet.needs if Side("", None, needs=(module,)).missing()]
    status = "absent" if sheet.prepare is None else f"not installed: {', '.join(missing)}" if missing else ""
    result: dict[str, Any] = {
        "kind": "sheet",
        "name": sheet.name,
        "work": sheet.work,
        "columns": dict(sheet.columns),
        "threads": sheet.threads,
        "clock": "cpu",
        "rounds": rounds,
        "status": status,
        "rows": {},
    }
    if status:
        return result
    worker = Worker(sheet, 0)
    turns = Turns({0: worker}, rounds, sheet.threads, "cpu")
    if not worker.failure:
        worker.ask()  # warms up
        turns.run()
    worker.close()
    if worker.failure:
        result["status"] = f"failed: {worker.failure}"
        return result
    answers = [answers[0] for answers in turns.kept]
    result |= turns.summary()
    result["rows"] = {
        row: {column: statistics.median(answer["rows"][row][column] for answer in answers) for column in sheet.columns}
        for row in answers[0]["rows"]
    }
    return result


def play(contest: Contest) -> dict[str, Any]:
    """Let both sides of a contest play; nothing is timed."""
    matches = contest.play()
    return {
        "kind": "contest",
        "status": "",
        "name": contest.name,
        "work": contest.work,
        "ours": contest.ours,
        "theirs": contest.theirs,
        "score": contest.score,
        "seeds": contest.seeds,
        "matches": [match._asdict() | {"verdict": match.verdict} for match in matches],
    }
