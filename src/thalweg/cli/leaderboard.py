"""The leaderboard of a comparison as a table in the terminal, at any width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from thalweg.comparison.summary import Standing, Summary

# Positions of columns, and what is tried in turn: digits of the losses over seeds, columns that are left out.
_NAME, _GOOD, _OVER_SEEDS, _EPOCHS, _DIVERGED = 1, 3, 5, 6, 7
_WAYS_TO_FIT: tuple[tuple[int, tuple[int, ...]], ...] = (
    (3, ()),
    (3, (_OVER_SEEDS,)),
    (2, (_OVER_SEEDS, _DIVERGED)),
    (2, (_OVER_SEEDS, _DIVERGED, _GOOD)),
    (2, (_OVER_SEEDS, _DIVERGED, _GOOD, _EPOCHS)),
)
_LONGEST_NAME = 28  # a longer one, of a rule with many numbers of its own, goes on in the next line


def show_leaderboard(screen: Console, summary: Summary, seeds: int, *, of: str) -> None:
    """Print the table with what its columns mean.

    Parameters
    ----------
    screen : Console
    summary : Summary
    seeds : int
    of : str
        What the losses are of.
    """
    from thalweg.cli.terminal import digits

    screen.print(leaderboard(summary, seeds, screen.width))
    lines = [f"loss  {of}, {'median over seeds' if seeds > 1 else 'of one seed'}"]
    if summary.target is not None:
        lines.append(f"goal  a loss of {digits(summary.target, 4)}")
    if len(summary.ties[0]) < len(summary.standings):
        lines.append("*     cannot be told from the best")
    if any(standing.edge for standing in summary.standings):
        lines.append("< >   the smallest or largest rate tried; one beyond it may be better")
    screen.print("\n" + "\n".join(lines), markup=False)


def leaderboard(summary: Summary, seeds: int, width: int) -> Table:
    """Return the leaderboard in so many columns of text: names stay whole, other columns are left out."""
    from thalweg.cli.terminal import row, table

    header = {
        "": "left",
        "\nrule": "left",
        "best\nrate": "right",
        "rates\nas good": "right",
        "final\nloss": "right",
        f"over {seeds}\nseeds": "right",  # of one alone there is no range
        "epochs\nto goal": "right",
        "di-\nverged": "right",
    }
    titles = list(header)
    first = set(summary.ties[0]) if len(summary.ties[0]) < len(summary.standings) else {summary.standings[0].name}
    for count, left_out in _WAYS_TO_FIT:
        kept = [k for k in range(len(titles)) if k not in left_out and not (k == _OVER_SEEDS and seeds == 1)]
        rows = [_cells(standing, count, marked=standing.name in first) for standing in summary.standings]
        lines = [[cells[k] for k in kept] for cells in rows]
        if _needed(titles, kept, lines) <= width:
            break
    shown = table(*((titles[k], header[titles[k]]) for k in kept), wrap=titles[_NAME])
    for place, line in enumerate(lines):
        shown.add_row(*row(line, best=place == 0 and line[0] == "*"))
    return shown


def _needed(titles: list[str], kept: list[int], lines: Sequence[Sequence[str]]) -> int:
    """Return the width of a table with a space between its columns."""
    from rich.cells import cell_len

    widths = []
    for place, k in enumerate(kept):
        widest = max(cell_len(text) for text in (*titles[k].split("\n"), *(line[place] for line in lines)))
        widths.append(min(widest, _LONGEST_NAME) if k == _NAME else widest)
    return sum(widths) + len(kept) - 1


def _cells(standing: Standing, count: int, *, marked: bool) -> list[str]:
    """Return a line of the table; losses over seeds with ``count`` digits."""
    from thalweg.cli.terminal import digits

    spread = f"{digits(standing.low, count)}..{digits(standing.high, count)}"
    rate = "-" if standing.learning_rate is None else f"{standing.edge} {standing.learning_rate:g}".strip()
    good = "-" if standing.width is None else f"{standing.width[0]:g}..{standing.width[1]:g}"
    if standing.width is not None and standing.width[0] == standing.width[1]:
        good = "only it"
    return [
        "*" if marked and math.isfinite(standing.median) else "",
        standing.name,
        rate,
        good,
        digits(standing.median, 4),
        spread,
        "-" if standing.epochs is None else f"{standing.epochs:g}",
        f"{standing.diverged}/{standing.runs}",
    ]
