"""Many files in the terminal: a table for a class, and how often each mistake was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from thalweg.check.wording import Phrases, spoken
from thalweg.check.wording.widths import cells as width
from thalweg.check.wording.widths import shortened
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
    # Which piece of code it is matters where a file has several.
    rows = [_rows(phrases, one) for one in checked]
    named = any(len(each) > 1 for each in rows)
    spare = max(screen.width - 80, 0)
    names = min(max((width(line[1]) for each in rows for line in each), default=0), 16) if named else 4
    widths = [30 - names + spare // 3, 16 + spare // 4, 16, 16]
    columns = [k for k in range(5) if named or k != 1]
    head = phrases.table_head
    listed = table(*((head[k], "left") for k in columns), wrap=head[-1])
    for entry in (entry for each in rows for entry in each):
        cut = [shortened(text, most) for text, most in zip(entry, widths, strict=False)] + [entry[-1]]
        listed.add_row(*row([cut[k] for k in columns]))
    screen.print(listed)
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
