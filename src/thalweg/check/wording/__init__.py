"""What the doctor says, in a language."""

from __future__ import annotations

from thalweg.check.wording.english import ENGLISH
from thalweg.check.wording.phrases import PageWords, Phrases

__all__ = ["LANGUAGES", "PageWords", "Phrases", "spoken"]

LANGUAGES = ("en",)


def spoken(language: str) -> Phrases:
    """Return the phrases of a language.

    Parameters
    ----------
    language : str
        One of ``LANGUAGES``.

    Examples
    --------
    >>> spoken("en").right.format(name="step", file="sgd.py", rule="gradient_descent")
    'right: step in sgd.py is gradient_descent'
    """
    return {"en": ENGLISH}[language]
