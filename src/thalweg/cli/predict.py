"""``thalweg predict``: what a saved model says of another table, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, final

import click

from thalweg.cli import options as o
from thalweg.errors import DataError, SettingError
from thalweg.exchange.tables.cells import place, shown

if TYPE_CHECKING:
    from thalweg.cli.told import Gaps
    from thalweg.exchange.models import Predictions, TableModel
    from thalweg.exchange.preparation import Unseen
    from thalweg.exchange.tables import Table

#: Text that begins with one of these is a formula to a spreadsheet.
_FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r")


@click.command("predict", cls=o.SectionedCommand, short_help="Predict with a saved model.")
@click.argument("model")
@click.argument("table")
@o.reading("mean")
@o.flag("Output", "--probabilities", "Add the probability of each class.")
@o.word("Output", "--output", "FILE", "Where to write; standard output if left out.")
@o.OUTPUT
def predict(model: str, table: str, **told: Any) -> None:
    """Predict with MODEL, a file of `thalweg train` or `thalweg.save`, for every row of TABLE.

    Columns are found by name; those that the model does not know are left out. An estimator must have been fitted to
    columns with names, and takes numbers as they are; of an interval the quantiles come out too.

    One row of CSV comes out for each row of the table, in its order. A class that a spreadsheet would take for a
    formula, such as =1+1, has a ' before it. The table is read piece by piece, so that it may be larger than memory;
    FILE is there when all rows are predicted.

    \b
    thalweg predict model.thalweg houses.csv --output prices.csv
    """  # noqa: D301 - what click reads is the character, not its name
    from thalweg.cli.terminal import warn
    from thalweg.cli.told import Gaps, Reading
    from thalweg.exchange.files import atomic_file, check_writable

    reading = Reading.take(told)
    if told["output"]:
        check_writable(told["output"])
    trained = _opened(model)
    if reading.missing and not trained.fills_gaps:
        what = f"is {reading.missing}, and an estimator knows no mean of its columns"
        raise SettingError("SETTING-MISSING", "--missing", what, "Fill the cells of the table, or leave the rows out.")
    if told["probabilities"] and not trained.has_probabilities:
        what = "the model gives no probabilities"
        raise SettingError("SETTING-LOSS", "--probabilities", what, "Train a classifier with the loss log or softmax.")
    kinds = trained.kinds
    pieces, gaps = reading.pieces(table, kinds), Gaps(kinds)
    noticed = _Noticed()
    lines = _lines(trained, pieces, gaps, noticed, fill=bool(reading.missing), several=told["probabilities"])
    if told["output"]:
        with atomic_file(told["output"]) as file:
            file.writelines(lines)
    else:
        for content in lines:
            click.echo(content, nl=False)
    read = [line for line in getattr(pieces, "warnings", ()) if not line.startswith("FILE-MISSING")]
    warn([*read, *gaps.lines(), *noticed.lines()])


def _opened(path: str) -> TableModel:
    from thalweg.exchange import models

    kind, _, _ = models.read(path)
    if kind == models.TABLE:
        return models.load(path)
    from thalweg.estimators.files import load
    from thalweg.estimators.tables import EstimatorOfTable

    return EstimatorOfTable(load(path), shown(path, 200))


@final
class _Noticed:
    """What was noticed in the pieces of a table, told once."""

    def __init__(self) -> None:
        self._lines: dict[str, None] = {}
        self._unseen: dict[str, Unseen] = {}

    def add(self, found: Predictions, before: int) -> None:
        """Add what was noticed in a piece that has so many rows before it."""
        self._lines.update(dict.fromkeys(found.noticed))
        for each in found.unseen:
            known = self._unseen.get(each.column)
            begun = known or each._replace(cells=0, row=before + each.row)
            self._unseen[each.column] = begun._replace(cells=begun.cells + each.cells)

    def lines(self) -> list[str]:
        """Return a line for each."""
        return [*self._lines, *map(str, self._unseen.values())]


def _lines(
    trained: TableModel, pieces: Iterable[Table], gaps: Gaps, noticed: _Noticed, *, fill: bool, several: bool
) -> Iterator[bytes]:
    """Predict one piece of a table after another, and give the CSV for each."""
    rows = 0
    for piece in pieces:
        gaps.add(piece)
        if gaps.first is None or fill:
            found = trained.predictions(piece.drop([trained.target]) if trained.target in piece.names else piece)
            noticed.add(found, rows)
            yield _csv(trained, found, probabilities=several, header=not rows)
        rows += piece.n_rows
    if gaps.first is not None and not fill:  # told when all are counted
        name, count, row = gaps.first
        where = place(shown(piece.name, 200), row=row, column=name)
        hint = "Fill them in, or leave the rows out."
        if trained.fills_gaps:
            hint = "Pass --missing mean to put the mean of the training part in their place."
        raise DataError("FILE-MISSING", where, f"{count} missing in column {shown(name)}", hint)


def _csv(trained: TableModel, found: Predictions, *, probabilities: bool, header: bool) -> bytes:
    """Return the predictions as CSV: what is predicted, and one column per class where probabilities are asked for."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    classes = [label_text(label) for label in trained.classes]
    likely = found.probabilities if probabilities else None
    if header:
        writer.writerow([*trained.value_names, *(f"probability_{label}" for label in classes if likely is not None)])
    if found.values.ndim == 2:
        values = [[*map(repr, row)] for row in found.values.tolist()]
    else:
        values = [[label_text(value) if classes else repr(value)] for value in found.values.tolist()]
    if likely is not None:
        values = [[*row, *map(repr, shares)] for row, shares in zip(values, likely.tolist(), strict=True)]
    writer.writerows(values)
    return text.getvalue().encode()


def label_text(label: str | float | bool) -> str:
    """Return a class as a cell of CSV: whole numbers without a point, no text that a spreadsheet would run.

    Examples
    --------
    >>> [label_text(label) for label in (1.0, 0.5, -3, True, "yes", "=1+1")]
    ['1', '0.5', '-3', 'True', 'yes', "'=1+1"]
    """
    if isinstance(label, float):
        return f"{label:.0f}" if label.is_integer() and abs(label) < 2**53 else repr(label)
    if not isinstance(label, str):
        return str(label)
    return f"'{label}" if label.startswith(_FORMULA_MARKS) else label
