"""The trainer's languages."""

from __future__ import annotations

from collections.abc import Mapping

from thalweg.check import wording
from thalweg.check.catalogue.entries import entries
from thalweg.check.quiz.chinese import CHINESE
from thalweg.check.quiz.english import ENGLISH
from thalweg.check.quiz.phrases import Phrases
from thalweg.check.quiz.question import Question, Text

LANGUAGES: Mapping[str, Phrases] = {"en": ENGLISH, "zh": CHINESE}


def text_of(code: str, question: Question, language: str) -> Text:
    """Return a finding in a language.

    Examples
    --------
    >>> asked = Question("optimizer", "adam", "uphill", (), (), ("uphill",), "")
    >>> text_of("uphill", asked, "en").title
    'the step is added, not subtracted'
    """
    if question.kind == "backpropagation":
        return LANGUAGES[language].texts[code]
    entry, said = entries()[code], wording.spoken(language if language in wording.LANGUAGES else "en")
    return Text(said.title(code, entry.title), said.explanation(code, entry.explanation))
