"""The trainer's languages."""

from __future__ import annotations

from collections.abc import Mapping

from thalweg.check.catalogue.entries import entries
from thalweg.check.quiz.chinese import CHINESE
from thalweg.check.quiz.english import ENGLISH
from thalweg.check.quiz.phrases import Phrases
from thalweg.check.quiz.question import Question, Text
from thalweg.check.wording import spoken
from thalweg.check.wording.effects import said_of

LANGUAGES: Mapping[str, Phrases] = {"en": ENGLISH, "zh": CHINESE}


def effect_of(question: Question, language: str) -> str:
    """Return what a mistake does in numbers, as a sentence of a language.

    Examples
    --------
    >>> from thalweg.check.verdict import Effect
    >>> twice = Effect(0.5, ((1, 2.0), (10, 2.0), (100, 2.0)))
    >>> effect_of(Question("optimizer", "adam", "uphill", (), (), ("uphill",), twice), "en")
    'Effect: steps are 2.0 times too long at t = 1, 2.0 at t = 10, 2.0 at t = 100.'
    """
    say = LANGUAGES[language]
    if isinstance(question.effect, str):
        return say.off.format(effect=question.effect)
    return say.effect.format(effect=said_of(question.effect, spoken(language).effects))


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
    entry, said = entries()[code], spoken(language)
    return Text(said.title(code, entry.title), said.explanation(code, entry.explanation))
