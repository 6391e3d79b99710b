"""Many files in the terminal: a table for a class, and how often each mistake was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from thalweg.check.wording import Phrases, spoken
from thalweg.errors import shown

if TYPE_CHECKING:
    from rich.console import Console

    from thalweg.check.checked import Checked

_BAR = 30


def tell_all(checked: Sequence[Checked], told: dict[str, Any]) -> None:
    """Say what was found in many files.

    Parameters
    ----------
    checked : sequence of Checked
    told : dict
        The options of ``thalweg check``.
    """
    from thalweg.cli.terminal import console, row, table

    phrases = spoken(told["language"])
    screen = console(no_color=told["no_color"])
    head = phrases.table_head
    shown = table(*((name, "left") for name in head), wrap=head[-1])
    for one in checked:
        for cells in _rows(phrases, one):
            shown.add_row(*row(cells))
    screen.print(shown)
    _histogram(screen, phrases, checked)
    kinds = Counter(one.verdict for one in checked)
    line = phrases.counted.format(
        files=len(checked),
        right=kinds["right"] + kinds["same"],
        wrong=kinds["wrong"],
        unknown=kinds["unknown"],
        stopped=kinds["cannot_run"],
    )
    screen.print(f"\n{line}", markup=False)


def _rows(phrases: Phrases, one: Checked) -> list[tuple[str, ...]]:
    """Return a line for each piece of code in a file; the file is named once."""
    rows = []
    for told in one.told:
        verdict = told.verdict
        said = phrases.between.join(phrases.title(finding.code, finding.title) for finding in verdict.mistakes)
        if verdict.kind == "cannot_run":
            said = phrases.sentence(shown(verdict.note, 200))
        rows.append((told.name, phrases.kinds[verdict.kind], verdict.rule or "-", said))
    if one.answer.stop:
        reason = phrases.sentence(shown(one.answer.reason, 200))
        line = one.answer.where.rpartition(":")[2] if ":" in one.answer.where else one.answer.where.partition(", ")[2]
        rows.append(
            (
                "-",
                phrases.kinds["cannot_run"],
                "-",
                phrases.labelled.format(label=phrases.sentence(line), text=reason) if line else reason,
            )
        )
    return [(one.file if place == 0 else "", *cells) for place, cells in enumerate(rows)]


def _histogram(screen: Console, phrases: Phrases, checked: Sequence[Checked]) -> None:
    """Print how many files have each mistake, the commonest first."""
    from rich.text import Text

    counts: Counter[str] = Counter()
    titles: dict[str, str] = {}
    for one in checked:
        mistakes = {finding.code: finding.title for told in one.told for finding in told.verdict.mistakes}
        counts.update(mistakes.keys())
        titles |= mistakes
    if not counts:
        screen.print(f"\n{phrases.nothing_wrong}", markup=False)
        return
    screen.print(f"\n{phrases.histogram.format(files=len(checked))}", markup=False)
    most = max(counts.values())
    width = min(_BAR, most)
    for code, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        bar = "#" * max(1, round(width * count / most))
        screen.print(Text(f"{count:4} {bar:<{width}}  {phrases.title(code, titles[code])}"))
