"""Many files in the terminal: a table for a class, and how often each mistake was made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from thalweg.check.checked import CheckedFile, counts, histogram
from thalweg.formulas.widths import cells, shortened

if TYPE_CHECKING:
    from rich.console import Console

    from thalweg.check.wording import GradientPhrases, Phrases
    from thalweg.check.wording.overview import Row

_BAR = 30


def tell_all(
    checked: Sequence[CheckedFile[Any]], rows: Sequence[Sequence[Row]], phrases: Phrases | GradientPhrases,
    told: dict[str, Any],
) -> None:  # fmt: skip
    """Say what was found in many files.

    Parameters
    ----------
    checked : sequence of CheckedFile
    rows : sequence of sequence of Row
        Of each file.
    phrases : Phrases or GradientPhrases
    told : dict
        The options of ``thalweg check``.
    """
    from thalweg.cli.terminal import console, row, table

    screen = console(no_color=told["no_color"])
    # Which piece of code it is matters where a file has several.
    named = any(len(each) > 1 for each in rows)
    spare = max(screen.width - 80, 0)
    names = min(max((cells(line.cells[0]) for each in rows for line in each), default=0), 16) if named else 4
    widths = [30 - names + spare // 3, 16 + spare // 4, 16, 16]
    head = phrases.table_head
    columns = [k for k in range(len(head)) if named or k != 1]
    listed = table(*((head[k], "left") for k in columns), wrap=head[-1])
    for one, each in zip(checked, rows, strict=True):
        for place, line in enumerate(each):
            texts = [one.file if place == 0 else "", *line.cells]
            cut = [shortened(text, most) for text, most in zip(texts[:-1], widths, strict=False)] + [texts[-1]]
            listed.add_row(*row([cut[k] for k in columns]))
    screen.print(listed)
    _histogram(screen, phrases, checked)
    screen.print(f"\n{phrases.counted.format(**counts(checked))}", markup=False)


def _histogram(screen: Console, phrases: Phrases | GradientPhrases, checked: Sequence[CheckedFile[Any]]) -> None:
    """Print how many files have each mistake, the commonest first."""
    from rich.text import Text

    counted = histogram(checked)
    if not counted:
        if not any(one.verdict == "wrong" for one in checked):  # wrong, but in no way that has a name
            screen.print(f"\n{phrases.nothing_wrong}", markup=False)
        return
    screen.print(f"\n{phrases.histogram.format(files=len(checked))}", markup=False)
    most = max(count for _, _, count in counted)
    width = min(_BAR, most)
    for code, title, count in counted:
        bar = "#" * max(1, round(width * count / most))
        screen.print(Text(f"{count:4} {bar:<{width}}  {phrases.title(code, title)}"))
