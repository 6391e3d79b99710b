"""What every test stands on: no windows, no deadlines, the same examples on every machine that says CI."""

from __future__ import annotations

import os

from hypothesis import settings

# Before anything imports matplotlib, here or in a subprocess.
os.environ["MPLBACKEND"] = "Agg"

# A first call compiles, so an example has no deadline: speed is measured in benchmarks/.
settings.register_profile("thalweg", deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.load_profile("thalweg")
