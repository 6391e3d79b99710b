"""The wrong line in the user's own text and the line that would be right, proven by playing it."""

from thalweg.check.mending.mend import Mend
from thalweg.check.mending.proof import mends

__all__ = ["Mend", "mends"]
