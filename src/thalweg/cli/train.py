"""``thalweg train``: one model, one rule, one table; ends with scores, a model file and a record."""

from __future__ import annotations

import json
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from thalweg.cli import options as o
from thalweg.errors import DivergedError, LimitError, SettingError
from thalweg.exchange.tables.cells import shown

if TYPE_CHECKING:
    from rich.console import Console

    from thalweg.cli.checkpoints import Keeping
    from thalweg.cli.told import Modelling, Reading
    from thalweg.descent.run import Run
    from thalweg.descent.settings import Settings
    from thalweg.studies.design import Design
    from thalweg.studies.prepared import Prepared

    Scores = dict[str, dict[str, float]]

_ENDINGS = {"target": "reached the target loss", "time": "stopped by the clock"}


@click.command("train", cls=o.SectionedCommand, short_help="Train a model on a table.")
@click.argument("table")
@o.flag("Table", "--stream", "Read the file piece by piece, as one that does not fit into memory is by itself.")
@o.LEARNING
@o.word(
    "Descent", "--optimizer", "NAME", "The rule: adam, adam:beta1=0.8, my_rules.py:my_rule (runs the file).", "adam"
)
@o.number("Descent", "--learning-rate --lr", "Of the rule.  [the rule's own]")
@o.count("Descent", "--epochs", "Passes over the training part, at most.", 100)
@o.BATCH_SIZE
@o.number("Descent", "--tol", "Stop when the loss has not fallen by this.", "[0, inf)")
@o.count("Descent", "--n-iter-no-change", "For so many epochs, with --tol.", 10)
@o.number("Descent", "--target-loss", "Stop when the training loss reaches this.", "(-inf, inf)")
@o.number("Descent", "--time-limit", "Stop after so many seconds.")
@o.count("Descent", "--seed", "Of the parts, the start, the orders and dropout.", 0, least=0)
@o.word("Output", "--output", "FILE", "The model.", "model.thalweg")
@o.word("Output", "--record", "FILE", "The account of the run.  [the model's name and .json]")
@o.number("Checkpoint", "--checkpoint-every", "Seconds between two, at least.", default=10.0)
@o.flag("Checkpoint", "--no-checkpoint", "Keep none while it learns.")
@o.flag("Checkpoint", "--restart", "Begin anew: remove the checkpoint that is there.")
@o.OUTPUT
def train(table: str, **told: Any) -> None:
    """Train a model on TABLE: a file (CSV, TSV, Parquet) or dataset:NAME.

    Columns of numbers are standardised, columns of text one-hot encoded, by what the training part holds. A part of
    the rows is held out to watch the descent, another to be looked at last. Rows that do not fit into memory are put
    on disk beside the model, and read from there piece by piece in every epoch.

    While it learns for longer than some seconds, a checkpoint is kept beside the model: after Ctrl-C, a kill or a loss
    of power the same command goes on from there, to the same bytes.

    \b
    thalweg train houses.csv --target price
    thalweg train dataset:moons --model mlp:16,16 --optimizer adam --lr 0.01
    """  # noqa: D301 - what click reads is the character, not its name
    from thalweg.cli.checkpoints import Keeping
    from thalweg.cli.doubts import doubts
    from thalweg.cli.formula_names import formula, with_numbers
    from thalweg.cli.terminal import console, note, warn
    from thalweg.cli.told import Descending, Modelling, Reading
    from thalweg.exchange.files import check_writable
    from thalweg.exchange.models import check_savable

    reading, modelling, descending = Reading.take(told), Modelling.take(told), Descending.take(told)
    design = modelling.design()
    descending.formulas()
    rule = formula("rule", told["optimizer"], "--optimizer")
    if told["learning_rate"] is not None:
        if "learning_rate=" in told["optimizer"].partition(":")[2]:
            raise SettingError("SETTING-TWICE", "--learning-rate", "stands in --optimizer already")
        rule = with_numbers(rule, {"learning_rate": told["learning_rate"]}, "--learning-rate")
    check_savable(design.model(1, 1))
    output = Path(told["output"])
    record = Path(told["record"] or output.with_suffix(".json"))
    if output == record:
        raise SettingError("SETTING-TWICE", "--record", f"{record} is the model already")
    for path in (output, record):
        check_writable(path)
    keeping = None
    if not told["no_checkpoint"]:
        keeping = Keeping(output, record, told["checkpoint_every"], restart=told["restart"])

    study, before = _made_ready(table, reading, modelling, design, folder=output.parent, stream=told["stream"])
    study.check_size(rule, descending.batch_size, where="--model")
    stops = {name: told[name] for name in ("tol", "n_iter_no_change", "target_loss", "time_limit")}
    rows = study.rows["train"]
    settings = descending.settings(rule, study.loss, rows, **stops)
    note([*before, *study.describe()])
    batch = descending.batch_size if o.was_told("batch_size") else None
    warn([*study.warnings, *doubts(settings, rows, batch)])
    run, losses = _descend(study, settings, modelling.seed, keeping, no_color=told["no_color"])
    screen = console(no_color=told["no_color"])
    scores = study.scores(run.theta)
    _show(screen, study, run, scores)
    _save(output, record, study, run, losses, scores)
    if keeping is not None:
        keeping.done()
    screen.print(f"\nmodel   {output}\nrecord  {record}", markup=False)


def _made_ready(
    table: str, reading: Reading, modelling: Modelling, design: Design, *, folder: Path, stream: bool
) -> tuple[Prepared, list[str]]:
    """Read the table, piece by piece where it does not fit into memory; return what is to be said of that too."""
    try:
        if not stream:
            return modelling.study(reading.read(table, target=modelling.target), reading, design), []
        why = "rows are read piece by piece"
    except LimitError as error:
        if error.code not in {"FILE-TOO-LARGE", "DATA-TOO-LARGE"} or table.startswith("dataset:"):
            raise
        why = "rows do not fit into memory; read piece by piece"
    study = modelling.streamed(table, reading, design, folder)
    return study, [f"{shown(study.name, 40)}: {study.n_rows} {why}"]


def _descend(
    study: Prepared, settings: Settings, seed: int, keeping: Keeping | None, *, no_color: bool
) -> tuple[Run, list[float]]:
    """Make the run, with a bar where there is a terminal; return it with the losses on the validation part."""
    from thalweg.cli.terminal import digits, progress
    from thalweg.descent.outputs import mean_loss
    from thalweg.descent.record import DIVERGED

    X, targets = study.part_features("validation"), study.parts["validation"].targets
    losses: list[float] = []
    with progress(settings.max_iter, settings.optimizer.name, no_color=no_color) as show:
        show(0, "compiling")
        run = study.run(settings, random_state=seed)

        def look(run: Run) -> bool:
            losses.append(mean_loss(study.loss, targets, study.model.scores(run.theta, X)))
            show(run.epoch, f"loss {digits(run.loss_curve[-1], 4)}, validation {digits(losses[-1], 4)}")
            return False

        with (
            nullcontext() if run.blocks is None else closing(run.blocks),  # a checkpoint of another fit is refused
            nullcontext() if keeping is None else keeping.during(study, run, losses),
        ):
            run.descend(callbacks=[look])
    if run.status == DIVERGED and run.divergence is not None:
        if keeping is not None:
            keeping.done()
        from thalweg.descent.divergence import advice

        why = advice(run, study.features, rate="--learning-rate", clip="--clip-norm 1")
        what = f"{run.divergence.message}, with {settings.optimizer.name}"
        raise DivergedError("DIVERGED", f"epoch {run.divergence.epoch}", what, f"{why}\nNothing was written.")
    return run, losses


def _show(screen: Console, study: Prepared, run: Run, found: Scores) -> None:
    from thalweg.cli.terminal import digits, row, table

    kind = "linear model" if not study.hidden else f"network {'-'.join(map(str, study.hidden))}"
    batch = f"batches of {run.settings.batch_size}" if run.settings.batch_size else "full batch"
    epochs = f"{run.epoch} epoch{'s' * (run.epoch > 1)}"
    ended = f"{_ENDINGS.get(run.status, run.status)} after {epochs}, {int(run.t)} updates, {digits(run.seconds, 2)} s"
    lines = [
        f"{kind} of {study.model.size} parameters; loss {study.loss.name}; {batch}",
        repr(run.settings.optimizer),
        f"{ended}; training loss {digits(run.loss_curve[-1], 4)}",
    ]
    screen.print("\n".join(lines) + "\n", markup=False)
    board = table((f"score of {shown(study.target)}", "left"), *((part, "right") for part in found))
    for metric in found["train"]:
        board.add_row(*row([metric, *(digits(found[part][metric], 4) for part in found)]))
    screen.print(board)


def _save(output: Path, record: Path, study: Prepared, run: Run, losses: list[float], scores: Scores) -> None:
    from thalweg.descent.record import plain
    from thalweg.exchange.files import atomic_write
    from thalweg.exchange.models import TrainedModel, save

    account = run.record().as_dict()
    told = ("loss", "optimizer", "penalty", "schedule", "batch_size", "clip_value", "clip_norm")
    training = {name: account["settings"][name] for name in told}
    training |= {name: account[name] for name in ("status", "epochs", "steps")}
    training["training_loss"] = run.loss_curve[-1]
    assert study.preparation is not None  # noqa: S101 - a table has one
    trained = TrainedModel(
        study.model,
        run.theta,
        study.outputs,
        study.preparation,
        study.target,
        training,
        scores=scores,
        data={"table": Path(study.name).name, "rows": study.rows},
    )
    save(output, trained)
    data = {
        "schema": account["schema"],
        "data": study.account(),
        "scores": scores,
        "validation_losses": losses,
        "machine": account.pop("machine"),
        "times": {"seconds": account.pop("seconds")},
        "run": account,
    }
    text = json.dumps(plain(data), indent=1, sort_keys=True, allow_nan=False)
    atomic_write(record, f"{text}\n".encode())
