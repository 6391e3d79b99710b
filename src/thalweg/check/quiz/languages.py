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


def effect_of(question: Question, language: str) -> str:
    """Return what a mistake does in numbers, as a sentence of a language.

    Examples
    --------
    >>> effect_of(Question("optimizer", "adam", "uphill", (), (), ("uphill",), "steps go uphill"), "en")
    'Effect: steps go uphill.'
    """
    say = LANGUAGES[language]
    if question.kind == "backpropagation":
        return say.off.format(effect=question.effect)
    return say.effect.format(effect=_wording(language).sentence(question.effect))


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
    entry, said = entries()[code], _wording(language)
    return Text(said.title(code, entry.title), said.explanation(code, entry.explanation))


def _wording(language: str) -> wording.Phrases:
    """Return what the catalogue says in a language; in English where it has not been put into it."""
    return wording.spoken(language if language in wording.LANGUAGES else "en")
