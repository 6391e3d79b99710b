"""``thalweg range``: a learning rate for one rule on one table, with how sure it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from thalweg.cli import options as o

if TYPE_CHECKING:
    from rich.console import Console

    from thalweg.comparison.range_test import RangeTest
    from thalweg.descent.settings import Settings
    from thalweg.studies.study import Study

_BAR = 24


@click.command("range", cls=o.SectionedCommand, short_help="Suggest a learning rate for a rule.")
@click.argument("table")
@o.LEARNING
@o.word(
    "Descent", "--optimizer", "NAME", "The rule: adam, adam:beta1=0.8, my_rules.py:my_rule (runs the file).", "adam"
)
@o.count("Descent", "--epochs", "Of the training that the rate is meant for.", 100)
@o.BATCH_SIZE
@o.count("Descent", "--seeds", "Orders of the rows, each with others held out.  [10; 3 for networks]", least=2)
@o.count("Descent", "--updates", "For each rate.  [those of the training, or what takes seconds]")
@o.count("Descent", "--seed", "Of the parts, the starts, the orders and dropout.", 0, least=0)
@o.word("Output", "--output", "FILE", "For the suggestion and the losses at all rates, as JSON.  [none]")
@o.OUTPUT
def learning_rate_range(table: str, **told: Any) -> None:
    """Suggest a learning rate for TABLE: a file (CSV, TSV, Parquet) or dataset:NAME.

    Many rates train side by side on the same batches of the training part, and are judged on rows of it that they did
    not learn from. The validation and test parts are left alone.

    \b
    thalweg range houses.csv --target price
    thalweg range dataset:digits --optimizer momentum --epochs 30
    """  # noqa: D301 - what click reads is the character, not its name
    from thalweg.cli.doubts import doubts
    from thalweg.cli.formula_names import formula
    from thalweg.cli.terminal import console, note, progress, warn
    from thalweg.cli.told import Descending, Modelling, Reading
    from thalweg.comparison.range_test import suggest
    from thalweg.exchange.files import check_writable

    reading, modelling, descending = Reading.take(told), Modelling.take(told), Descending.take(told)
    design = modelling.design()
    descending.formulas()
    rule = formula("rule", told["optimizer"], "--optimizer")
    if told["output"] is not None:
        check_writable(told["output"])

    study = modelling.study(reading.read(table, target=modelling.target), reading, design)
    study.check_size(rule, descending.batch_size)
    rows = len(study.parts["train"].y)
    settings = descending.settings(rule, study.loss, rows)
    note(study.describe())
    batch = descending.batch_size if o.was_told("batch_size") else None
    warn([*study.warnings, *doubts(settings, rows, batch)])
    with progress(1, rule.name, no_color=told["no_color"]) as show:
        show(0, "trying rates")
        found = suggest(
            study.model,
            study.train,
            settings,
            seeds=told["seeds"],
            updates=told["updates"],
            random_state=modelling.seed,
            feature_names=study.features,
        )
    _show(console(no_color=told["no_color"]), study, found)
    if told["output"] is not None:
        _save(Path(told["output"]), study, settings, found)
        click.echo(f"\nleft in {told['output']}")


def _show(screen: Console, study: Study, found: RangeTest) -> None:
    """Print the losses at some of the rates, and the suggestion in words; 80 columns are enough."""
    from thalweg.cli.terminal import digits, row, table
    from thalweg.descent.stability import CAUSE, LARGE

    curve = found.curve
    board = table(
        ("", "left"), ("rate", "right"), ("mean\nloss", "right"), (f"over {found.seeds}\nseeds", "right"),
        ("of what the best rate gains", "left"),
    )  # fmt: skip
    best = curve.rates.index(found.best)
    gain = found.start - curve.means[best]
    for k in _shown(found, best):
        share = (found.start - curve.means[k]) / gain if gain > 0 else 0.0
        bar = "█" * round(_BAR * min(max(share, 0.0), 1.0))
        spread = f"{digits(curve.lows[k], 3)}..{digits(curve.highs[k], 3)}"
        cells = ["*" if k == best else "", digits(curve.rates[k]), digits(curve.means[k], 4), spread, bar]
        board.add_row(*row(cells, best=k == best))
    screen.print(board)
    scaled = ", target standardised" if study.outputs.scale != 1 else ""
    loss = f"loss  {study.loss.name}{scaled}, on rows held out; {digits(found.start, 4)} at the start"
    lines = [loss, "", found.message]
    limit = found.limit
    if limit is not None and limit.rate is not None and limit.share >= CAUSE and limit.size >= LARGE:
        lines.append(limit.cause)
    screen.print("\n" + "\n".join(lines), markup=False)


def _shown(found: RangeTest, best: int) -> list[int]:
    """Return which rates are shown: all near the best, fewer beyond, up to the first that diverges."""
    from thalweg.comparison.rate_grid import PER_DECADE

    means, rates = found.curve.means, found.curve.rates
    last = next((k for k in range(best, len(means)) if means[k] == float("inf")), len(means) - 1)
    near = range(max(0, best - 3), min(last, best + 3) + 1)
    far = range(best % 3, last + 1, 3) if len(means) > 4 * PER_DECADE else range(last + 1)
    return sorted({k for k in (*near, *far, last) if rates[k] > rates[best] / 5e3})


def _save(place: Path, study: Study, settings: Settings, found: RangeTest) -> None:
    from thalweg.descent.record import machine_information, plain
    from thalweg.exchange.files import atomic_write

    shared = {name: value for name, value in settings.as_dict().items() if name in _ACCOUNT}
    data = {"data": study.account(), "settings": shared, "range": found.as_dict(), "machine": machine_information()}
    atomic_write(place, f"{json.dumps(plain(data), indent=1, sort_keys=True, allow_nan=False)}\n".encode())


# Settings that matter to a range test: the others stop a training.
_ACCOUNT = {"optimizer", "loss", "penalty", "schedule", "batch_size", "max_iter", "clip_value", "clip_norm"}
