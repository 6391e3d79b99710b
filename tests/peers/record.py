"""Run the peers along the tape and keep what they did: ``python -m tests.peers.record`` in the project's root.

The recorded files let the comparison run where no peer is installed. They are made anew when the tape or the table of
cases changes, or to follow a new version of a peer.
"""

from __future__ import annotations

import json
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.peers.cases import CASES, Case
from tests.peers.live import live_trajectory, versions
from tests.peers.tape import FINGERPRINT, RECORDED_STEPS, recorded

FOLDER = Path(__file__).parent / "recorded"


def record(cases: list[Case]) -> dict[str, Any]:
    """Everything that one file holds: the cases of one optimizer of one peer."""
    peer = cases[0].peer
    return {
        "peer": peer,
        "versions": versions(peer),
        "tape": FINGERPRINT,
        "steps": RECORDED_STEPS,
        "thetas": {
            case.theirs: recorded(live_trajectory(peer, case.optimizer, case.settings)).tolist() for case in cases
        },
    }


def write(path: Path, content: dict[str, Any]) -> None:
    """Write one key per line and one trajectory per line; Python prints floats with all digits that they need."""
    heads = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in content.items() if key != "thetas"]
    rows = [
        f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in content["thetas"].items()
    ]
    thetas = '"thetas": {\n' + ",\n".join(rows) + "\n}"
    path.write_text("{\n" + ",\n".join([*heads, thetas]) + "\n}\n", encoding="utf-8")


def main() -> None:
    """Write all files, and remove those that no case needs any more."""
    FOLDER.mkdir(exist_ok=True)
    needed = set()
    for file, cases in groupby(sorted(CASES, key=lambda case: case.file), key=lambda case: case.file):
        write(FOLDER / file, record(list(cases)))
        needed.add(file)
        sys.stdout.write(f"{file}\n")
    for path in FOLDER.glob("*.json"):
        if path.name not in needed:
            path.unlink()


if __name__ == "__main__":
    main()
