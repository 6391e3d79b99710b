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
    return parser.parse_args()


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
    text = report.markdown(results)
    print(text)
    folder = arguments.output or (None if arguments.only else Path(__file__).parent)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "RESULTS.md").write_text(text)
        (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    sides = [side for one in results["cases"] for side in one.get("sides", [one])]
    return int(any(side["status"].startswith("failed") or not side.get("agrees", True) for side in sides))


if __name__ == "__main__":
    raise SystemExit(main())
