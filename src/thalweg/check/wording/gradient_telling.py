"""The diagnosis of a gradient in sentences: its headline, how it was read, with which data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from thalweg.check.wording.gradient_lines import few

if TYPE_CHECKING:
    from thalweg.check.gradient_diagnosis import GradientDiagnosis
    from thalweg.check.subjects.gradients.reading import Given
    from thalweg.check.wording.gradient_phrases import GradientPhrases


def headline(say: GradientPhrases, file: str, one: GradientDiagnosis) -> str:
    """Return the verdict on a gradient in one line, which begins with it and a colon."""
    of = say.sentence(one.told) if one.form == "known_loss" else one.of
    values = {"name": one.name, "file": file, "of": of, "choices": say.between.join(one.choices)}
    if one.kind == "right":
        template = say.is_right if of and of != one.name else say.alone_right
    elif one.kind == "wrong":
        values["blocks"] = few(one.verdict.wrong_blocks if one.verdict else (), say)
        template = say.is_wrong if of and of != one.name else say.alone_wrong
    elif one.kind == "unclear":
        template = say.asks_which if one.choices else say.asks_argument if one.reason else say.asks_cost
        values["argument"] = one.reason
    else:
        reason = one.reason or (say.random if one.verdict and one.verdict.verdict == "random" else say.unknown)
        values["reason"] = say.sentence(reason)
        template = say.cannot_run
    return template.format(**values)


def given_in_words(say: GradientPhrases, given: Sequence[Given]) -> str:
    """Return at which point and with which data a gradient was tested, those of one origin together."""
    parts = []
    for origin, template in (("asked", say.asked), ("file", say.of_file), ("made", say.made)):
        names = [
            f"{each.name} ({' x '.join(map(str, each.shape))})" if each.shape else each.name
            for each in given
            if each.origin == origin
        ]
        if names:
            parts.append(template.format(names=say.between.join(names)))
    return "; ".join(parts)
