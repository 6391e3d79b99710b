"""Finished runs, kept in one SQLite file as they finish: what a comparison continues from, whatever ended it.

A run is in the store as a whole, sealed, or not at all. Whoever dies, whenever, takes nothing finished along; any
number of processes may work with one store.
"""

from __future__ import annotations

from thalweg.comparison.store.claims import Claim
from thalweg.comparison.store.records import arm_key, digest_of, digest_of_arrays
from thalweg.comparison.store.rows import Held
from thalweg.comparison.store.runs import Comparison, Store, StoreWarning

__all__ = ["Claim", "Comparison", "Held", "Store", "StoreWarning", "arm_key", "digest_of", "digest_of_arrays"]
