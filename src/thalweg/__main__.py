"""``python -m thalweg`` is ``thalweg``."""

from __future__ import annotations

from thalweg.cli import main

main()
