"""``python -m benchmarks``: measure, print the table, keep it."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import harness, machine, report
from benchmarks.case import Contest, Sheet
from benchmarks.cases import CASES


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="only cases whose name contains NAME (repeatable)"
    )
    parser.add_argument("--rounds", type=int, default=9, help="rounds to take the median of (default: 9)")
    parser.add_argument("--list", action="store_true", help="list the cases and stop")
    parser.add_argument(
        "--output",
        type=Path,
        help="folder for RESULTS.md and results.json (default: this folder for a full run, nowhere for a selection)",
    )
    parser.add_argument(
        "--update", action="store_true", help="with --only: put the new figures in the place of the old in the results"
    )
    return parser.parse_args()


def updated(kept: dict[str, Any], measured: dict[str, Any]) -> dict[str, Any]:
    """The kept results with what was measured now in its place, in the order of the cases."""
    by_name = {one["name"]: one for one in [*kept["cases"], *measured["cases"]]}
    return measured | {"cases": [by_name[case.name] for case in CASES if case.name in by_name]}


def main() -> int:
    """Run the command; the exit code is 1 when a side failed or computed something else, else 0."""
    arguments = _arguments()
    chosen = [case for case in CASES if not arguments.only or any(name in case.name for name in arguments.only)]
    if arguments.list or not chosen:
        for case in CASES:
            print(f"{case.name:24} {case.work}")
        return 0 if arguments.list else 2
    if arguments.rounds < 1:
        print("--rounds: at least 1", file=sys.stderr)
        return 2
    began = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    results: dict[str, Any] = {"schema": 1, "date": began, "machine": {"date": began} | machine.describe(), "cases": []}
    for case in chosen:
        print(f"{case.name}: {case.work}", file=sys.stderr, flush=True)
        if isinstance(case, Sheet):
            results["cases"].append(harness.measure_sheet(case, arguments.rounds))
        elif isinstance(case, Contest):
            results["cases"].append(harness.play(case))
        else:
            results["cases"].append(harness.measure(case, arguments.rounds, lambda text: print(text, file=sys.stderr)))
        results["cases"][-1]["date"] = began
    here = Path(__file__).parent
    print(report.markdown(results))
    if arguments.update:
        results = updated(json.loads((here / "results.json").read_text()), results)
    text = report.markdown(results)
    folder = arguments.output or (here if arguments.update or not arguments.only else None)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "RESULTS.md").write_text(text)
        (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    sides = [side for one in results["cases"] for side in one.get("sides", [one])]
    return int(any(side["status"].startswith("failed") or not side.get("agrees", True) for side in sides))


if __name__ == "__main__":
    raise SystemExit(main())
