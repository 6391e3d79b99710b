"""One file in the terminal: the verdict in one line, the mistakes with their mends, the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thalweg.check.wording import Phrases, spoken
from thalweg.check.wording.telling import evidence, headline, title
from thalweg.errors import shown
from thalweg.formulas.widths import cells, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from thalweg.check.checked import Checked, CheckedFile, Told
    from thalweg.check.verdict import Finding, Verdict

    TellOne = Callable[[Console, Any, str, Any], None]

_STYLES = {"right": "bold green", "same": "bold green", "wrong": "bold red", "unknown": "bold yellow"}


def tell(checked: Checked, told: dict[str, Any]) -> None:
    """Say what was found in a file.

    Parameters
    ----------
    checked : Checked
    told : dict
        The options of ``thalweg check``.
    """
    phrases = spoken(told["language"])
    tell_file(checked, phrases, _one, told)


def tell_file(checked: CheckedFile[Any], phrases: Any, one: TellOne, told: dict[str, Any]) -> None:
    """Say what was found in a file: its pieces, what kept the rest from being examined, what else has to be said.

    Parameters
    ----------
    checked : CheckedFile
    phrases : Phrases or GradientPhrases
    one : callable
        Says what was found in one piece, on ``(screen, phrases, file, piece)``.
    told : dict
        The options of ``thalweg check``.
    """
    from thalweg.cli.terminal import console, note

    screen = console(no_color=told["no_color"])
    for place, piece in enumerate(checked.told):
        if place:
            screen.print()
        one(screen, phrases, checked.file, piece)
    if checked.answer.stop:
        if checked.told:
            screen.print()
        where, reason = (
            phrases.sentence(shown(checked.answer.where, 120)) or checked.file,
            phrases.sentence(shown(checked.answer.reason, 300)),
        )
        headline_told(screen, phrases.cannot_examine.format(where=where, reason=reason), "cannot_run")
    note(shown(phrases.sentence(line), 200) for line in checked.answer.notes)


def headline_told(screen: Console, text: str, kind: str) -> None:
    """Print a headline, the verdict before its colon in colour."""
    from rich.text import Text

    first, *lines = wrapped(text, screen.width, "", "")
    colon = "\uff1a" if "\uff1a" in first else ":"
    word, _, rest = first.partition(colon)
    screen.print(Text.assemble((word, _STYLES.get(kind, "bold yellow")), colon, rest), soft_wrap=True)
    for line in lines:
        screen.print(Text(line), soft_wrap=True)


def _one(screen: Console, phrases: Phrases, file: str, one: Told) -> None:
    """Print one diagnosis."""
    verdict = one.verdict
    headline_told(screen, headline(phrases, one.name, file, verdict), verdict.kind)
    if verdict.kind == "cannot_run":
        return
    mended = set()
    for number, finding in enumerate(verdict.mistakes, 1):
        screen.print()
        _finding(screen, phrases, verdict, finding, f"{number}. " if len(verdict.mistakes) > 1 else "")
        mends = [mend for mend in one.mends if mend["code"] == finding.code]
        mended |= {mend["code"] for mend in mends}
        for mend in mends:
            diff(screen, phrases.sentence(mend["where"]), mend["found"], mend["right"])
        if not mends and (finding.found or finding.right):
            diff(screen, phrases.in_words, finding.found, finding.right)
    for finding in verdict.conventions:
        screen.print()
        _finding(screen, phrases, verdict, finding, phrases.labelled.format(label=phrases.convention, text=""))
    screen.print()
    _evidence(screen, phrases, one)


def _finding(screen: Console, phrases: Phrases, verdict: Verdict, finding: Finding, before: str) -> None:
    from rich.text import Text

    screen.print(Text.assemble(before, (title(phrases, verdict, finding), "bold"), "  ", (f"[{finding.code}]", "dim")))
    _paragraph(screen, "   ", phrases.explanation(finding.code, finding.explanation))


def diff(screen: Console, where: str, found: str, right: str) -> None:
    """Print lines as they are and as they would be right; they are not broken, so that they can be copied."""
    from rich.text import Text

    lines = [(f"   {where}", "dim")]
    lines += [(f"   -{line}", "red") for line in found.splitlines()]
    lines += [(f"   +{line}", "green") for line in right.splitlines()]
    for line, style in lines:
        screen.print(Text(line, style), soft_wrap=True)


def _paragraph(screen: Console, before: str, text: str, style: str = "") -> None:
    """Print a text that hangs on what stands before it, without blanks at the ends of lines."""
    from rich.text import Text

    for line in wrapped(text, max(screen.width, cells(before) + 20), before):
        screen.print(Text.assemble((line[: len(before)], style), line[len(before) :]), soft_wrap=True)


def _evidence(screen: Console, phrases: Phrases, one: Told) -> None:
    """Print what the verdict rests on, a label and a text in each paragraph."""
    from rich.cells import cell_len, set_cell_size

    rows = evidence(phrases, one.verdict, one.steps)
    width = max(cell_len(label) for label, _ in rows) + 2
    for label, text in rows:
        _paragraph(screen, set_cell_size(label, width), text, "dim")
