"""``thalweg compare``: every rule at every learning rate on a table; a verdict, a leaderboard, a page, all records."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from thalweg.cli import options as o
from thalweg.cli import surface
from thalweg.cli.folder import LEADERBOARD, RECORDS, check_ours, leave
from thalweg.errors import DivergedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from thalweg.comparison.plan import Plan
    from thalweg.comparison.progress import Progress
    from thalweg.descent.settings import Settings
    from thalweg.studies.comparison import Comparison
    from thalweg.studies.study import Study

_STORE, _REPORT = "runs.sqlite", "report.html"


@click.command("compare", cls=o.SectionedCommand, short_help="Compare rules and learning rates on a table.")
@click.argument("table")
@o.LEARNING
@o.word("Descent", "--optimizers", "A,B,...", "The rules: names, adam:beta1=0.8, my_rules.py:my_rule.", "all")
@o.word(
    "Descent",
    "--learning-rates",
    "N|A,B,...",
    "How many around each rule's own; or which, the same for all; auto: 9.",
    "auto",
    reads=o.RatesType("(0, inf)"),
)
@o.count("Descent", "--seeds", "Runs of each rule at each rate.", 5)
@o.count("Descent", "--epochs", "Passes over the training part.", 30)
@o.BATCH_SIZE
@surface.STEPS
@o.number("Descent", "--target-loss", "Loss to count epochs to.  [95 % of the way to the best]")
@o.count("Descent", "--seed", "Of the parts; runs have the seeds 0, 1, 2 ...", 0, least=0)
@o.count("Descent", "--jobs", "Threads.  [as many as there are processors]")
@o.word(
    "Output",
    "--output",
    "FOLDER",
    "For all that is left; replaces what an earlier comparison left, nothing else.",
    "thalweg-compare",
)
@o.word("Output", "--report", "FILE", "The page with everything.  [report.html in the folder]")
@o.choice("Output", "--picture", ["png", "svg"], "Kind of the picture.", "png")
@o.word("Output", "--store", "FILE", "Where finished runs are kept.  [runs.sqlite in the folder]")
@o.OUTPUT
def compare(table: str, **told: Any) -> None:
    """Compare update rules on TABLE: a file (CSV, TSV, Parquet), dataset:NAME, or surface:NAME.

    Every rule descends at every learning rate, from the same starts and with the same orders of the rows. The rate of
    each rule is chosen on the validation part; the chosen are scored on the test part, which nothing has seen before.
    Interrupted, the same command goes on where it stopped.

    \b
    thalweg compare houses.csv --target price --output comparison
    thalweg compare dataset:moons --model mlp:16 --optimizers adam,momentum,lion
    thalweg compare surface:rosenbrock --report paths.html
    """  # noqa: D301 - what click reads is the character, not its name
    if table.startswith(surface.PREFIX):
        return surface.compare_surface(table, told)
    surface.without_steps(told)
    from thalweg.cli.terminal import console, note, warn
    from thalweg.cli.told import Descending, Modelling, Reading
    from thalweg.studies.comparison import carry_out

    reading, modelling, descending = Reading.take(told), Modelling.take(told), Descending.take(told)
    design = modelling.design()
    descending.formulas()
    plan, doubts = _plan(told)
    folder, report = _places(told)

    read = reading.read(table, target=modelling.target)
    study = modelling.study(read, reading, design)
    widest = max((arm.rule for arm in plan.arms), key=lambda rule: len(rule.slots))
    study.check_size(widest, descending.batch_size, 1 if study.hidden else len(plan.arms), "--model")
    rows = len(study.parts["train"].y)
    settings = descending.settings(plan.arms[0].rule, study.loss, rows)
    for arm in plan.arms:  # a schedule, say, that one of the rules cannot follow
        descending.settings(arm.rule, study.loss, rows)
    if o.was_told("batch_size") and descending.batch_size is not None and descending.batch_size > rows:
        doubts.append(f"SETTING-BATCH: a batch of {descending.batch_size} is more than the {rows} rows; all are used")
    note([*study.describe(), _describe(plan, settings)])
    warn([*study.warnings, *doubts])
    from thalweg.exchange.files import make_folder
    from thalweg.exchange.tables.cells import shown

    make_folder(folder)
    store = Path(told["store"] or folder / _STORE)
    try:
        with _progress(no_color=told["no_color"]) as watch:
            found = carry_out(
                study,
                plan,
                settings,
                command=o.command_told(),
                jobs=told["jobs"],
                store=store,
                watch=watch,
                tell=lambda line: warn([line]),
                target_loss=told["target_loss"],
            )
    except KeyboardInterrupt:
        kept = f"finished runs are kept in {shown(str(store), 200)}: the same command goes on from there"
        raise KeyboardInterrupt(kept) from None
    if found.results.plan.growths:
        note([f"grids grown {_times(found.results.plan.growths)}: {len(found.results.plan)} runs in all"])
    _show(console(no_color=told["no_color"]), found, study)
    note([_save(folder, report, store, told["picture"], found, study)])
    if not found.best.holds:
        outcomes = found.results.outcomes
        what = f"{sum(o.diverged for o in outcomes)} of {len(outcomes)} runs diverged; no rule has a rate that holds"
        raise DivergedError("DIVERGED", "compare", what, "Try smaller --learning-rates, or --clip-norm 1.")
    return None


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
    if isinstance(rates, tuple) and len(set(rates)) < len(rates):
        doubts.append("SETTING-TWICE: --learning-rates has a rate twice; it is tried once")
    return Plan.of(rules, rates, told["seeds"]), doubts


def _places(told: dict[str, Any]) -> tuple[Path, Path]:
    """Try the places of the results before any work, and say what there cannot be."""
    import importlib.util

    from thalweg.cli.terminal import note
    from thalweg.exchange.files import check_writable

    folder = Path(told["output"])
    check_ours(folder, (RECORDS, LEADERBOARD, f"curves.{told['picture']}", _REPORT))
    if importlib.util.find_spec("matplotlib") is None:
        note(["note: no picture without matplotlib: pip install 'thalweg[plot]'"])
    if told["report"]:
        from thalweg.report.embedding import check_extra

        check_extra()
        check_writable(Path(told["report"]))
    elif not _can_report():
        note(["note: no report without Bokeh and Jinja2: pip install 'thalweg[report]'"])
    return folder, Path(told["report"] or folder / _REPORT)


def _can_report() -> bool:
    import importlib.util

    return all(importlib.util.find_spec(name) is not None for name in ("bokeh", "jinja2"))


def _describe(plan: Plan, settings: Settings) -> str:
    rules, seeds = len(plan.names), len(plan.seeds)
    rates = max(len(plan.rates(name)) for name in plan.names)
    batch = "full batch" if settings.batch_size is None else f"batches of {settings.batch_size}"
    runs = f"{rules} rule{'s' * (rules > 1)} x {rates} rate{'s' * (rates > 1)} x {seeds} seed{'s' * (seeds > 1)}"
    return f"{runs}: {len(plan)} runs of {settings.max_iter} epochs, {batch}"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


@contextmanager
def _progress(*, no_color: bool) -> Iterator[Callable[[Progress], None]]:
    """Show how far a comparison is, where there is a terminal."""
    from thalweg.cli.terminal import digits, progress
    from thalweg.exchange.tables.cells import shown

    def text(state: Progress) -> str:
        if state.stage != "runs":
            return {"test": "the best rates, on the test part", "clock": "each rule alone"}[state.stage]
        parts = [f"{state.alive}/{state.lanes} alive"] if state.lanes else []
        if state.leader is not None:
            rate = "" if state.leader.learning_rate is None else f" at {state.leader.learning_rate:g}"
            parts.append(f"best {digits(state.lowest)}: {shown(state.leader.name, 28)}{rate}")
        return ", ".join(parts) or "compiling"

    stages = {"runs": "training", "clock": "timing", "test": "testing"}
    with progress(1, stages["runs"], no_color=no_color) as show:
        show(0, "compiling")
        yield lambda state: show(max(state.share, state.done), text(state), state.total, stages[state.stage])


def _show(screen: Console, found: Comparison, study: Study) -> None:
    """Print what the comparison says, and the leaderboard: in 80 columns, but for a command that is to be pasted."""
    from rich.text import Text

    from thalweg.cli.leaderboard import show_leaderboard

    remedy = found.stamp.remedy
    for line in found.verdict.lines:
        command = remedy if remedy and line.endswith(remedy) else ""
        screen.print(Text(line.removesuffix(command).rstrip()), soft_wrap=False)
        if command:
            screen.print(Text(command), soft_wrap=True)
        screen.print()
    more = found.stamp.reasons[2:]  # the verdict has told two
    for finding in more:
        screen.print(Text(f"also: {finding.message}"))
    if more:
        screen.print()
    scaled = ", target standardised" if study.outputs.scale != 1 else ""
    show_leaderboard(
        screen, found.summary, len(found.results.plan.seeds), of=f"{study.loss.name}{scaled}; on the validation part"
    )


def _save(folder: Path, report: Path, store: Path, kind: str, found: Comparison, study: Study) -> str:
    """Leave everything in the folder; return a line that says what."""
    import importlib.util

    from thalweg.exchange.files import atomic_write
    from thalweg.exchange.tables.cells import shown

    lines = [_heading(found, study), *(outcome.line() for outcome in found.results.outcomes)]
    leave(folder, lines, lambda screen: _show(screen, found, study))
    files = [RECORDS, LEADERBOARD]
    if importlib.util.find_spec("matplotlib") is not None:
        files.append(f"curves.{kind}")
        atomic_write(folder / files[-1], found.picture(kind))
    named, elsewhere = files, ""
    places = {"store": store}
    if _can_report():
        found.report(report)
        places = {"report": report, **places}
    for what, place in places.items():
        if place.parent != folder:
            elsewhere += f"; {what}: {shown(str(place), 200)}"
        elif what == "report":
            named.insert(0, place.name)
        else:
            named.append(place.name)
    return f"left in {shown(str(folder), 200)}: {', '.join(named)}{elsewhere}"


def _heading(found: Comparison, study: Study) -> str:
    """Return the first line of the records: what all runs share, and the machine."""
    from thalweg.descent.record import machine_information, plain

    plan = found.results.plan
    data = {
        "comparison": {
            **study.account(),
            "settings": found.results.facts.settings,
            "rates": {name: list(plan.rates(name)) for name in plan.names},
            "seeds": list(plan.seeds),
        },
        "machine": machine_information(),
    }
    return json.dumps(plain(data), sort_keys=True, allow_nan=False)
