"""``thalweg compare``: every rule at every learning rate on one table; a leaderboard, a picture, all records."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from thalweg.cli import options as o
from thalweg.errors import DivergedError, StorageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table

    from thalweg.cli.studies import Study
    from thalweg.comparison.leaderboard import Leaderboard, Standing
    from thalweg.comparison.outcome import Outcome, Problem
    from thalweg.comparison.plan import Plan
    from thalweg.descent.settings import Settings

_RECORDS, _LEADERBOARD = "records.jsonl", "leaderboard.txt"
_BEGINNING = b'{"comparison": {'  # of the records


@click.command("compare", cls=o.SectionedCommand, short_help="Compare rules and learning rates on a table.")
@click.argument("table")
@o.LEARNING
@o.word("Descent", "--optimizers", "A,B,...", "The rules: names, adam:beta1=0.8, my_rules.py:my_rule.", "all")
@o.word(
    "Descent",
    "--learning-rates",
    "A,B,...",
    "The same for all; auto: nine around each rule's own.",
    "auto",
    reads=o.NumbersType("(0, inf)"),
)
@o.count("Descent", "--seeds", "Runs of each rule at each rate.", 3)
@o.count("Descent", "--epochs", "Passes over the training part.", 30)
@o.BATCH_SIZE
@o.number("Descent", "--target-loss", "Loss to count epochs and time to.  [95 % of the way to the best]")
@o.count("Descent", "--seed", "Of the parts; runs have the seeds 0, 1, 2 ...", 0, least=0)
@o.word(
    "Output",
    "--output",
    "FOLDER",
    "For leaderboard, curves and records; replaces an earlier comparison's, nothing else.",
    "thalweg-compare",
)
@o.choice("Output", "--picture", ["png", "svg"], "Kind of the picture.", "png")
@o.OUTPUT
def compare(table: str, **told: Any) -> None:
    """Compare update rules on TABLE: a file (CSV, TSV, Parquet) or dataset:NAME.

    Every rule descends at every learning rate, from the same starts and with the same orders of the rows. The rate of
    each rule is chosen on the validation part; the winner is scored on the test part, which nothing has seen before.

    \b
    thalweg compare houses.csv --target price --output comparison
    thalweg compare dataset:moons --model mlp:16 --optimizers adam,momentum,lion
    """  # noqa: D301 - what click reads is the character, not its name
    from thalweg.cli.studies import Study
    from thalweg.cli.terminal import console, note, warn
    from thalweg.cli.told import Descending, Modelling, Reading
    from thalweg.comparison.leaderboard import Leaderboard
    from thalweg.comparison.outcome import Problem

    reading, modelling, descending = Reading.take(told), Modelling.take(told), Descending.take(told)
    blueprint = modelling.blueprint()
    descending.formulas()
    plan, doubts = _plan(told)
    folder = _folder(told["output"], told["picture"])

    read = reading.read(table, target=modelling.target)
    study = Study.of(read, reading, modelling, blueprint)
    widest = max((arm.rule for arm in plan.arms), key=lambda rule: len(rule.slots))
    study.check_size(widest, descending.batch_size)
    rows = len(study.parts["train"].y)
    settings = descending.settings(plan.arms[0].rule, study.loss, rows)
    for arm in plan.arms:  # a schedule, say, that one of the rules cannot follow
        descending.settings(arm.rule, study.loss, rows)
    if o.was_told("batch_size") and descending.batch_size is not None and descending.batch_size > rows:
        doubts.append(f"SETTING-BATCH: a batch of {descending.batch_size} is more than the {rows} rows; all are used")
    note([*study.describe(), _describe(plan, settings)])
    warn([*study.warnings, *doubts])
    part = study.parts["validation"]
    problem = Problem(study.model, study.train, study.features("validation"), part.targets)
    outcomes = _carry_out(plan, problem, settings, no_color=told["no_color"])
    board = Leaderboard.of(outcomes, told["target_loss"])
    _show(console(no_color=told["no_color"]), board, plan, study)
    left = _save(folder, told["picture"], outcomes, board, plan, study, settings)
    if math.isinf(board.standings[0].median):
        what = f"{sum(o.diverged for o in outcomes)} of {len(outcomes)} runs diverged; no rule has a rate that holds"
        note([left])
        raise DivergedError("DIVERGED", "compare", what, "Try smaller --learning-rates, or --clip-norm 1.")
    _score(board.standings[0], plan, study, problem, settings)
    note([left])


def _plan(told: dict[str, Any]) -> tuple[Plan, list[str]]:
    """Return the plan, and what is odd about it."""
    from thalweg.cli.formula_names import formulas, split_list
    from thalweg.comparison.plan import Plan
    from thalweg.formulas import catalog

    named = told["optimizers"]
    rules = catalog.rules() if named == "all" else formulas("rule", named, "--optimizers")
    doubts = []
    if named != "all" and len(rules) < len(split_list(named)):
        doubts.append("SETTING-TWICE: --optimizers names a rule twice; it is tried once")
    rates = told["learning_rates"]
    if rates is not None and len(set(rates)) < len(rates):
        doubts.append("SETTING-TWICE: --learning-rates has a rate twice; it is tried once")
    return Plan.of(rules, rates, told["seeds"]), doubts


def _folder(place: str, kind: str) -> Path:
    """Try the folder for the results before any work, and say when there can be no picture."""
    import importlib.util

    from thalweg.cli.terminal import note
    from thalweg.exchange.files import check_folder
    from thalweg.exchange.tables.cells import shown

    check_folder(place)
    folder = Path(place)
    there = [name for name in (_RECORDS, _LEADERBOARD, f"curves.{kind}") if (folder / name).exists()]
    if there and not _is_of_a_comparison(folder / _RECORDS):
        what = f"holds a file {there[0]} that no comparison left there"
        raise StorageError("FILE-WRITE", shown(place, 200), what, "Name another folder with --output.")
    if importlib.util.find_spec("matplotlib") is None:
        note(["note: no picture without matplotlib: pip install 'thalweg[plot]'"])
    return folder


def _is_of_a_comparison(records: Path) -> bool:
    """Tell whether a file begins as the records of a comparison do."""
    try:
        with records.open("rb") as file:
            return file.read(len(_BEGINNING)) == _BEGINNING
    except OSError:
        return False


def _describe(plan: Plan, settings: Settings) -> str:
    rules, seeds = len(plan.names), len(plan.seeds)
    rates = max(len(plan.rates(name)) for name in plan.names)
    batch = "full batch" if settings.batch_size is None else f"batches of {settings.batch_size}"
    runs = f"{rules} rule{'s' * (rules > 1)} x {rates} rate{'s' * (rates > 1)} x {seeds} seed{'s' * (seeds > 1)}"
    return f"{runs}: {len(plan)} runs of {settings.max_iter} epochs, {batch}"


def _carry_out(plan: Plan, problem: Problem, settings: Settings, *, no_color: bool) -> list[Outcome]:
    """Make all runs, with a bar where there is a terminal."""
    from thalweg.cli.terminal import digits, progress
    from thalweg.comparison.sequential import carry_out

    outcomes: list[Outcome] = []
    leader = ""
    lowest = math.inf
    with progress(len(plan), "compare", no_color=no_color) as show:
        show(0, "compiling")
        for outcome in carry_out(plan, problem, settings):
            outcomes.append(outcome)
            if outcome.final < lowest:
                lowest, leader = outcome.final, f"lowest loss {digits(outcome.final)}: {outcome.arm.name}"
            show(len(outcomes), leader)
    return outcomes


def _show(screen: Console, board: Leaderboard, plan: Plan, study: Study) -> None:
    """Print the leaderboard; it fits into 80 columns."""
    from thalweg.cli.terminal import digits

    screen.print(_table(board, len(plan.seeds), screen.width))
    scaled = ", target standardised" if study.outputs.scale != 1 else ""
    lines = [f"loss  {study.loss.name}{scaled}; on the validation part, median over seeds"]
    if board.target is not None:
        lines.append(f"goal  a loss of {digits(board.target, 4)}")
    if any(standing.edge for standing in board.standings):
        lines.append("< >   the smallest or largest rate tried; one beyond it may be better")
    screen.print("\n" + "\n".join(lines), markup=False)


def _table(board: Leaderboard, seeds: int, width: int) -> Table:
    """Return the leaderboard in so many columns of text: names stay whole, other columns are shortened or left out."""
    from thalweg.cli.terminal import row, table

    header = {
        "": "left",
        "\nrule": "left",
        "best\nrate": "right",
        "final\nloss": "right",
        f"over {seeds}\nseed{'s' * (seeds > 1)}": "right",
        "epochs\nto goal": "right",
        "di-\nverged": "right",
    }
    titles = list(header)
    for count, left_out in _WAYS_TO_FIT:
        kept = [k for k in range(len(titles)) if k not in left_out]
        lines = [[_cells(standing, place, count)[k] for k in kept] for place, standing in enumerate(board.standings)]
        if _needed(titles, kept, lines) <= width:
            break
    shown = table(*((titles[k], header[titles[k]]) for k in kept), wrap=titles[_NAME])
    for line in lines:
        shown.add_row(*row(line, best=line[0] == "*"))
    return shown


# Positions of columns, and what is tried in turn: digits of the losses over seeds, columns that are left out.
_NAME, _OVER_SEEDS, _EPOCHS, _DIVERGED = 1, 4, 5, 6
_WAYS_TO_FIT: tuple[tuple[int, tuple[int, ...]], ...] = (
    (3, ()),
    (2, ()),
    (2, (_OVER_SEEDS,)),
    (2, (_OVER_SEEDS, _DIVERGED)),
    (2, (_OVER_SEEDS, _DIVERGED, _EPOCHS)),
)
_LONGEST_NAME = 28  # a longer one, of a rule with many numbers of its own, goes on in the next line


def _needed(titles: list[str], kept: list[int], lines: list[list[str]]) -> int:
    """Return the width of a table with a space between its columns."""
    from rich.cells import cell_len

    widths = []
    for place, k in enumerate(kept):
        widest = max(cell_len(text) for text in (*titles[k].split("\n"), *(line[place] for line in lines)))
        widths.append(min(widest, _LONGEST_NAME) if k == _NAME else widest)
    return sum(widths) + len(kept) - 1


def _cells(standing: Standing, place: int, count: int) -> list[str]:
    """Return a line of the table; losses over seeds with ``count`` digits."""
    from thalweg.cli.terminal import digits

    spread = f"{digits(standing.low, count)}..{digits(standing.high, count)}"
    rate = "-" if standing.learning_rate is None else f"{standing.edge} {standing.learning_rate:g}".strip()
    return [
        "*" if place == 0 and math.isfinite(standing.median) else "",
        standing.name,
        rate,
        digits(standing.median, 4),
        spread,
        "-" if standing.epochs is None else f"{standing.epochs:g}",
        f"{standing.diverged}/{standing.runs}",
    ]


def _save(
    folder: Path,
    kind: str,
    outcomes: Sequence[Outcome],
    board: Leaderboard,
    plan: Plan,
    study: Study,
    settings: Settings,
) -> str:
    """Leave records, leaderboard and picture in the folder; return a line that says so."""
    import importlib.util
    import io

    from rich.console import Console

    from thalweg.exchange.files import atomic_write, make_folder
    from thalweg.exchange.tables.cells import shown

    make_folder(folder)
    text = io.StringIO()
    _show(Console(file=text, width=80, no_color=True, highlight=False), board, plan, study)
    lines = [_heading(study, plan, settings), *(outcome.line() for outcome in outcomes)]
    # The records first: by them the folder is known again, also after an interrupt.
    files = {_RECORDS: "".join(f"{line}\n" for line in lines), _LEADERBOARD: text.getvalue()}
    for name, content in files.items():
        atomic_write(folder / name, content.encode())
    if importlib.util.find_spec("matplotlib") is not None:
        from thalweg.comparison.picture import picture

        kind_of_model = "linear model" if not study.hidden else f"network {'-'.join(map(str, study.hidden))}"
        files[f"curves.{kind}"] = ""
        named = f"{shown(study.table.name, 60)}, predicting {shown(study.target)}"
        title = f"{named}: {kind_of_model}, loss {study.loss.name}"
        atomic_write(folder / f"curves.{kind}", picture(outcomes, board, title, kind))
    return f"left in {shown(str(folder), 200)}: {', '.join(files)}"


def _heading(study: Study, plan: Plan, settings: Settings) -> str:
    """Return the first line of the records: what all runs share, and the machine."""
    from thalweg.descent.record import machine_information, plain

    shared = settings.as_dict()
    del shared["optimizer"]
    data = {
        "comparison": {
            **study.account(),
            "settings": shared,
            "rates": {name: list(plan.rates(name)) for name in plan.names},
            "seeds": list(plan.seeds),
        },
        "machine": machine_information(),
    }
    return json.dumps(plain(data), sort_keys=True, allow_nan=False)


def _score(standing: Standing, plan: Plan, study: Study, problem: Problem, settings: Settings) -> None:
    """Make the winner's runs again, and show how good they are on the test part."""
    import numpy as np

    from thalweg.cli.terminal import digits
    from thalweg.comparison.scores import scores
    from thalweg.comparison.sequential import make_run
    from thalweg.exchange.tables.cells import shown

    (arm,) = (a for a in plan.arms if (a.name, a.learning_rate) == (standing.name, standing.learning_rate))
    test, X = study.parts["test"], study.features("test")
    found = []
    for seed in plan.seeds:
        _, run = make_run(arm, seed, problem, settings)
        found.append(scores(study.outputs, test.y, study.model.scores(run.theta, X)))
    medians = [f"{metric} {digits(float(np.median([each[metric] for each in found])))}" for metric in found[0]]
    rate = "" if arm.learning_rate is None else f" at {arm.learning_rate:g}"
    units = "" if study.outputs.classes else f"; in units of {shown(study.target)}"
    click.echo(f"\n{arm.name}{rate} on the {len(test.y)} rows of the test part, median over seeds:")
    click.echo(f"{', '.join(medians)}{units}")
