"""What the terminal shows: results on standard output, the rest on standard error; numbers with sensible digits."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def console(*, no_color: bool, error: bool = False) -> Console:
    """Return a rich console for standard output, or standard error; as wide as the terminal, 80 columns without one."""
    from rich.console import Console

    return Console(no_color=no_color or None, stderr=error, highlight=False, soft_wrap=False)


def table(*columns: tuple[str, str], wrap: str = "") -> Table:
    """Return an empty table.

    Parameters
    ----------
    *columns : (str, {"left", "right"})
        Header and alignment. A header may have two lines.
    wrap : str
        The column whose text goes on in the next line where it is too long; others are cut.
    """
    from rich.box import Box
    from rich.table import Table
    from rich.text import Text

    rule_below_header = Box("    \n    \n ── \n    \n    \n    \n    \n    \n", ascii=False)
    shown = Table(box=rule_below_header, show_edge=False, pad_edge=False, padding=0)
    for header, justify in columns:
        fixed = header != wrap
        overflow = "ellipsis" if fixed else "fold"
        shown.add_column(Text(header), justify=justify, overflow=overflow, no_wrap=fixed)  # type: ignore[arg-type]
    return shown


def row(cells: Iterable[str], *, best: bool = False) -> list[Any]:
    """Return cells for a table as plain text, bold for the best row."""
    from rich.text import Text

    return [Text(cell, style="bold" if best else "") for cell in cells]


def note(lines: Iterable[str]) -> None:
    """Write lines to standard error."""
    for line in lines:
        click.echo(line, err=True)


def warn(lines: Iterable[str]) -> None:
    """Write warnings, each ``CODE: text``, to standard error."""
    for line in lines:
        code, _, text = line.partition(": ")
        click.echo(f"warning[{code}] {text}", err=True)


def digits(value: float | None, count: int = 3) -> str:
    r"""Return a number with ``count`` significant digits, more where they stand before the point anyway.

    Examples
    --------
    >>> [digits(x) for x in (0.25134, 53.25, 1234.5, 0.0000123, 2e9, float("inf"), None)]
    ['0.251', '53.2', '1234', '1.23e-05', '2e+09', '∞', '-']
    """
    from thalweg.comparison.wording import significant

    if value is None or math.isnan(value):
        return "-"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return significant(value, count) if value else "0"


def size(count: int) -> str:
    """Return a number of bytes as a file's size.

    Examples
    --------
    >>> [size(count) for count in (1, 984, 4321, 5_000_000)]
    ['1 byte', '984 bytes', '4.22 KiB', '4.77 MiB']
    """
    if count < 1 << 10:
        return f"{count} byte{'s' * (count != 1)}"
    return f"{digits(count / (1 << 10))} KiB" if count < 1 << 20 else f"{digits(count / (1 << 20))} MiB"


class Progress(Protocol):
    """Takes the state of the work, as often as it changes."""

    def __call__(self, done: float, text: str, total: int | None = None, what: str | None = None) -> None:
        """Show how much is done, and a line about it; how much there is to do, and what, where that has changed."""


@contextlib.contextmanager
def progress(total: int, what: str, *, no_color: bool) -> Iterator[Progress]:
    """Show a bar on standard error while the work lasts; nothing where that is no terminal.

    Parameters
    ----------
    total : int
        Steps of the work.
    what : str
        Its name.
    no_color : bool
    """
    if not sys.stderr.isatty():
        yield _silent
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars
    from rich.table import Column

    screen = console(no_color=no_color, error=True)
    bar = 20 if screen.width >= 100 else 8
    columns = (
        TextColumn("{task.description}", table_column=Column(min_width=8, no_wrap=True)),
        BarColumn(bar_width=bar, table_column=Column(min_width=bar, no_wrap=True)),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True)),
        TextColumn("left", table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[text]}", markup=False, table_column=Column(no_wrap=True)),
    )
    with Bars(*columns, console=screen, transient=True) as bars:
        task = bars.add_task(what, total=total, text="")

        def show(done: float, text: str, total: int | None = None, what: str | None = None) -> None:
            count = 2 * len(str(total or bars.tasks[task].total)) + 1
            room = screen.width - 8 - bar - count - len("1:00:00 left") - 5  # or all columns would give way
            begins = what is not None and what != bars.tasks[task].description
            if begins:  # the end of what went before is seen, and every beginning, however soon the next comes
                bars.refresh()
            bars.update(task, completed=done, text=_cut(text, room), total=total, description=what, refresh=begins)

        yield show


def _cut(text: str, width: int) -> str:
    """Return as much of a text as fits into one line, with a sign where there is more."""
    from rich.text import Text

    line = Text(text)
    line.truncate(max(width, 0), overflow="ellipsis")
    return line.plain


def _silent(done: float, text: str, total: int | None = None, what: str | None = None) -> None:
    """Take the state of the work, and show nothing."""
