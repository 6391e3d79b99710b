"""Make the store of the present schema that later versions have to open: ``python -m tests.comparison.stores.make``.

A file that is there is left: it was made by the version that its schema belongs to.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.comparison.outcomes import ARMS, confirmation, outcomes

from thalweg.comparison.store import Store
from thalweg.comparison.store.database import SCHEMA
from thalweg.descent.record import plain

FOLDER = Path(__file__).parent
KEY = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
SAID = {"table": "houses.csv", "target": "price", "model": "linear model", "loss": "squared", "epochs": 5}


def listed(store: Store) -> Any:
    """Return all runs and confirmations as plain data that JSON can hold."""
    return plain({"runs": store.runs(KEY), "confirmations": store.confirmations(KEY)})


def make(path: Path) -> None:
    """Write what this version would."""
    with Store.open(path) as store:
        comparison = store.comparison(KEY, SAID)
        comparison.add(outcomes())
        comparison.confirm((arm, confirmation(arm, seed)) for arm in ARMS for seed in range(3))
        path.with_suffix(".json").write_text(json.dumps(listed(store), indent=1))
        claim = comparison.claim("a unit")
        assert claim is not None
        comparison.release(claim, [])
    path.with_name(f"{path.name}.lock").unlink()


if __name__ == "__main__":
    target = FOLDER / f"schema-{SCHEMA}.sqlite"
    if target.exists():
        sys.exit(f"{target.name} is there")
    make(target)
