"""``thalweg check --gradient``: what came of the gradients in one file, to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thalweg.check.wording import gradients_spoken
from thalweg.check.wording.gradient_lines import evidence
from thalweg.check.wording.gradient_telling import given_in_words, headline
from thalweg.cli.check_text import headline_told, tell_file
from thalweg.formulas.widths import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from thalweg.check.checked_gradients import CheckedGradients, ToldGradient
    from thalweg.check.gradient_diagnosis import GradientDiagnosis
    from thalweg.check.wording.gradient_phrases import GradientPhrases

_GONE, _COME = "   -", "   +"


def tell_gradients(checked: CheckedGradients, told: dict[str, Any]) -> None:
    """Say what was found of the gradients in a file.

    Parameters
    ----------
    checked : CheckedGradients
    told : dict
        The options of ``thalweg check``.
    """
    tell_file(checked, gradients_spoken(told["language"]), _one, told)


def _one(screen: Console, say: GradientPhrases, file: str, told: ToldGradient) -> None:
    """Print one diagnosis."""
    from rich.text import Text

    one = told.diagnosis
    headline_told(screen, headline(say, file, one), one.kind)
    if one.verdict is None or one.kind == "cannot_run":
        return
    for text in evidence(one.verdict, say, tuple(_lines(say, one))):
        style = "red" if text.startswith(("    > ", _GONE)) else "green" if text.startswith(_COME) else ""
        screen.print(Text(text, style), soft_wrap=True)
    if one.form:
        _paragraph(screen, say.note.format(note=say.forms[one.form].format(told=say.sentence(one.told))))
    if one.given:
        _paragraph(screen, say.at.format(given=given_in_words(say, one.given)))


def _lines(say: GradientPhrases, one: GradientDiagnosis) -> Iterator[str]:
    """Yield the lines that mend it, where these are proven; else the lines to look at. None is broken."""
    for mend in one.mends:
        yield f"  {say.mended.format(where=say.sentence(mend.where))}"
        yield from (f"{_GONE}{line}" for line in mend.found.splitlines())
        yield from (f"{_COME}{line}" for line in mend.right.splitlines())
    for line in () if one.mends else one.lines:
        yield f"  {say.look.format(where=say.sentence(line.where))}"
        yield f"    > {line.text}"


def _paragraph(screen: Console, text: str) -> None:
    from rich.text import Text

    for line in wrapped(text, screen.width, "  ", "    "):
        screen.print(Text(line), soft_wrap=True)
