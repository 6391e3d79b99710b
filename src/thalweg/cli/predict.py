"""``thalweg predict``: what a saved model says of another table, as CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import click

from thalweg.cli import options as o
from thalweg.errors import DataError, SettingError

if TYPE_CHECKING:
    from thalweg.exchange.models import Predictions, TrainedModel
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
    """Predict with MODEL, a file that `thalweg train` wrote, for every row of TABLE.

    Columns are found by name; those that the model does not know are left out. One row of CSV comes out for each row
    of the table, in its order. A class that a spreadsheet would take for a formula, such as =1+1, has a ' before it.

    \b
    thalweg predict model.thalweg houses.csv --output prices.csv
    """  # noqa: D301 - what click reads is the character, not its name
    from thalweg.cli.terminal import warn
    from thalweg.cli.told import Reading
    from thalweg.exchange.files import atomic_write, check_writable
    from thalweg.exchange.models import load

    reading = Reading.take(told)
    if told["output"]:
        check_writable(told["output"])
    trained = load(model)
    if told["probabilities"] and not trained.outputs.has_probabilities:
        what = "the model gives no probabilities"
        raise SettingError("SETTING-LOSS", "--probabilities", what, "Train a classifier with the loss log or softmax.")
    kinds = trained.preparation.kinds
    # Gaps in columns that the model does not use do not matter, so they are looked for afterwards.
    rows = reading.read(table, kinds=kinds, keep=True)
    if not reading.missing:
        _refuse_missing(rows, list(kinds))
    found = trained.predictions(rows.drop([trained.target]) if trained.target in rows.names else rows)
    warn([*reading.warnings(rows, kinds), *found.warnings])
    content = _csv(trained, found, probabilities=told["probabilities"])
    if told["output"]:
        atomic_write(told["output"], content)
    else:
        click.echo(content, nl=False)


def _refuse_missing(table: Table, names: list[str]) -> None:
    import numpy as np

    from thalweg.exchange.tables.cells import place, shown

    for name in names:
        column = table[name]
        gaps = np.flatnonzero(np.isnan(column)) if column.dtype == np.float64 else np.zeros(0, np.intp)
        if gaps.size:
            where = place(shown(table.name, 200), row=int(gaps[0]) + 1, column=name)
            hint = "Pass --missing mean to put the mean of the training part in their place."
            raise DataError("FILE-MISSING", where, f"{gaps.size} missing in column {shown(name)}", hint)


def _csv(trained: TrainedModel, found: Predictions, *, probabilities: bool) -> bytes:
    """Return the predictions as CSV: one column, and one per class where probabilities are asked for."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    classes = [label_text(label) for label in trained.outputs.classes]
    several = probabilities and found.probabilities is not None
    writer.writerow(["prediction", *(f"probability_{label}" for label in classes)] if several else ["prediction"])
    values = [label_text(value) if classes else repr(value) for value in found.values.tolist()]
    if several and found.probabilities is not None:
        writer.writerows(
            [value, *map(repr, shares)] for value, shares in zip(values, found.probabilities.tolist(), strict=True)
        )
    else:
        writer.writerows([value] for value in values)
    return text.getvalue().encode()


def label_text(label: str | float) -> str:
    """Return a class as a cell of CSV: whole numbers without a point, no text that a spreadsheet would run.

    Examples
    --------
    >>> [label_text(label) for label in (1.0, 0.5, "yes", "=1+1")]
    ['1', '0.5', 'yes', "'=1+1"]
    """
    if isinstance(label, float):
        return f"{label:.0f}" if label.is_integer() and abs(label) < 2**53 else repr(label)
    return f"'{label}" if label.startswith(_FORMULA_MARKS) else label
