"""A workbench for gradient descent: one formula per rule, compiled, trained and compared on your own tables."""

from __future__ import annotations

__version__ = "0.1.0"
