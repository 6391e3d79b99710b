"""What the doctor says, in a language."""

from __future__ import annotations

from thalweg.check.wording.chinese import CHINESE
from thalweg.check.wording.english import ENGLISH
from thalweg.check.wording.gradient_chinese import GRADIENTS_IN_CHINESE
from thalweg.check.wording.gradient_english import GRADIENTS_IN_ENGLISH
from thalweg.check.wording.gradient_phrases import GradientPhrases
from thalweg.check.wording.phrases import PageWords, Phrases

__all__ = ["LANGUAGES", "GradientPhrases", "PageWords", "Phrases", "gradients_spoken", "spoken"]

LANGUAGES = ("en", "zh")


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
    return {"en": ENGLISH, "zh": CHINESE}[language]


def gradients_spoken(language: str) -> GradientPhrases:
    """Return what is said of gradients in a language.

    Examples
    --------
    >>> gradients_spoken("en").kinds["wrong"]
    'wrong'
    """
    return {"en": GRADIENTS_IN_ENGLISH, "zh": GRADIENTS_IN_CHINESE}[language]
