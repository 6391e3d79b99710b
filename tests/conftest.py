"""What every test stands on: no windows, no check left out, no deadlines, the same examples."""

from __future__ import annotations

import os

from hypothesis import settings

# Before anything imports matplotlib, here or in a subprocess.
os.environ["MPLBACKEND"] = "Agg"
# Before anything imports SciPy: without it scikit-learn skips its checks of array inputs.
os.environ["SCIPY_ARRAY_API"] = "1"

# A first call compiles, so an example has no deadline: speed is measured in benchmarks/. `make test` says the same
# twice; `make test-deep` looks for new examples.
settings.register_profile("same", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("new", deadline=None, max_examples=500, print_blob=True)
settings.load_profile("same")
