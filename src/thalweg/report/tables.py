"""The tables of the page, and the words around its charts."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import PurePath
from typing import Any, final

from thalweg.comparison.audit import Stamp
from thalweg.comparison.results import Facts, Results, Whole
from thalweg.comparison.summary import WIDTH_FACTOR, Standing, Summary
from thalweg.comparison.variant import setting_word
from thalweg.comparison.wording import counted
from thalweg.descent.settings import Settings
from thalweg.descent.stability import CAUSE, Limit
from thalweg.report.chart_data import measured_limit, medians, thinned
from thalweg.report.numbers import NONE, count_text, loss_text, rate_text, seconds_text, share_text

#: Columns of a table with epochs or tries; more are thinned out.
_MOST_COLUMNS = 12
# What a limit's note says of full batches has a column of its own.
_FULL = re.compile(r"; [-+.\de]+ in full batches")
_TIMES = " \N{MULTIPLICATION SIGN} "


@final
@dataclass(frozen=True)
class Table:
    """A table of text; the first column names the row."""

    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    caption: str = ""
    notes: tuple[str, ...] = ()


def title(results: Results) -> str:
    """Return what the page is about."""
    names = results.plan.names
    table = results.facts.table
    place = table if table.startswith("dataset:") else PurePath(table).name or table
    what = f"{len(names)} {'update rules' if results.facts.noun == 'rule' else 'estimators'}"
    return f"{names[0] if len(names) == 1 else what} on {place}"


def subtitle(results: Results) -> str:
    """Return what was learned from what, and how often."""
    facts, plan = results.facts, results.plan
    tries = max(len(plan.rates(name)) for name in plan.names)
    up_to = "up to " if min(len(plan.rates(name)) for name in plan.names) < tries else ""
    rows = sum(facts.rows.values())
    models = {whole.model for whole in facts.wholes.values()} or {facts.model}
    layers = facts.model.removeprefix("network ")
    model = facts.model if layers == facts.model else f"network of hidden layers {layers}"
    by = f" with a {model}" if models == {facts.model} else ""
    tried = [counted(len(plan.names), facts.noun), f"{up_to}{counted(tries, 'rate')}", counted(len(plan.seeds), "seed")]
    made = f"{counted(len(results.outcomes), 'run')} of {counted(facts.epochs, 'epoch')}"
    return (
        f"Predicting {facts.target} from {counted(rows, 'row')}{by}, {facts.loss} loss. {_TIMES.join(tried)}: {made}."
    )


def without_remedy(lines: Sequence[str], stamp: Stamp) -> list[str]:
    """Return the verdict without the command that mends it, which the page shows on its own."""
    return [line.replace(f" To mend it: {stamp.remedy}", "") if stamp.remedy else line for line in lines]


def places(summary: Summary) -> dict[str, int]:
    """Return each rule's place; rules that cannot be told apart share one."""
    found, place = {}, 1
    for group in summary.ties:
        found.update(dict.fromkeys(group, place))
        place += len(group)
    return found


def board(results: Results, summary: Summary, ranking: bool) -> dict[str, Any]:
    """Return the leaderboard: heads with units, rows of cells, notes."""
    named = dict.fromkeys(name for standing in summary.standings for name in standing.scores)
    scores = [name for name in named if not _is_the_loss(name, summary)]
    tested = any(math.isfinite(standing.test_loss) for standing in summary.standings)
    head = [
        (summary.noun.capitalize(), ""),
        ("Best rate", ""),
        ("Width", f"within {100 * WIDTH_FACTOR:g} % of the best"),
        (f"{summary.selection.capitalize()} loss", "median, range"),
        *([("Test loss", "median")] if tested else []),
        *((name, "test part") for name in scores),
        ("Epochs", "to the goal"),
        ("Tries", "to the goal"),
        ("Diverged", "of all runs"),
        ("Time", "per epoch"),
    ]
    tied = set(summary.ties[0]) if summary.best.holds and len(summary.ties[0]) > 1 else set()
    best, place = summary.best.name, places(summary)
    rows = [
        {
            "name": standing.name,
            "place": place[standing.name],
            "best": standing.name == best and standing.holds,
            "tied": standing.name in tied and standing.name != best,
            "cells": _cells(standing, summary, scores, tested),
        }
        for standing in summary.standings
    ]
    seeds, rates = len(results.plan.seeds), max(len(standing.expected_best) for standing in summary.standings)
    caption = f"Over {counted(seeds, 'seed')}, best first." if seeds > 1 else "One seed."
    return {"head": head, "rows": rows, "caption": caption, "notes": _board_notes(summary, ranking, tested, rates)}


def _is_the_loss(name: str, summary: Summary) -> bool:
    """Whether a metric is the test loss under another name."""
    return all(
        math.isclose(standing.scores[name], standing.test_loss, rel_tol=1e-9)
        for standing in summary.standings
        if name in standing.scores
    )


def _cells(standing: Standing, summary: Summary, scores: Sequence[str], tested: bool) -> list[Any]:
    rate = rate_text(standing.learning_rate) if standing.holds else NONE
    edge = {"<": "lowest tried", ">": "highest tried"}.get(standing.edge)
    spread = f"{loss_text(standing.low)} to {loss_text(standing.high)}"
    alone = standing.low == standing.high
    return [
        {"text": rate, "small": edge} if edge and standing.holds else rate,
        _width(standing),
        loss_text(standing.median) if alone else {"text": loss_text(standing.median), "small": spread},
        *([loss_text(standing.test_loss)] if tested else []),
        *(loss_text(standing.scores.get(name)) for name in scores),
        count_text(standing.epochs),
        count_text(tries_to(standing, summary.target)),
        share_text(standing.diverged, standing.runs),
        seconds_text(standing.seconds),
    ]


def _width(standing: Standing) -> Any:
    """Return the range of good rates, and where it lies in the range that was tried, in hundredths."""
    tried = [rate for rate, *_ in standing.sensitivity if rate is not None]
    if standing.width is None:
        return NONE
    low, high = standing.width
    text = rate_text(low) if low == high else f"{rate_text(low)} to {rate_text(high)}"
    if tried[0] == tried[-1]:
        return text
    whole = math.log(tried[-1] / tried[0])
    left, right = (100 * math.log(rate / tried[0]) / whole for rate in (low, high))
    left, right = max(left - 1.5, 0.0), min(right + 1.5, 100.0)
    return {"text": text, "span": ("0", "100"), "good": (f"{left:.1f}", f"{right - left:.1f}")}


def tries_to(standing: Standing, target: float | None) -> int | None:
    """Return after how many rates, picked at random from the grid, the best is expected to meet the target."""
    if target is None:
        return None
    return next((k for k, loss in enumerate(standing.expected_best, 1) if loss <= target), None)


def _board_notes(summary: Summary, ranking: bool, tested: bool, rates: int) -> list[str]:
    notes = []
    if summary.best.holds and len(summary.ties[0]) > 1:
        notes.append("* : the lowest loss. = : cannot be told apart from it.")
    if ranking and any(len(group) > 1 for group in summary.ties):
        notes.append(f"{summary.noun.capitalize()}s that cannot be told apart share a place.")
    notes.append(
        "Width: the tried rates around the best that lose no more than"
        f" {100 * WIDTH_FACTOR:g} % of what training improves; the bar is all that were tried."
    )
    if summary.target is not None:
        grid = f"the grid of {rates}" if rates > 1 else "the grid"
        notes.append(
            f"Goal: a loss of {loss_text(summary.target)}. Epochs are the median over seeds at the best rate. Tries are"
            f" rates picked at random from {grid} until the best of them is expected to meet the goal."
        )
    if tested:
        notes.append("Test loss and scores: on rows that nothing had seen before, in runs of their own.")
    return notes


def sensitivity_table(summary: Summary) -> Table:
    """Return every rule at every rate."""
    rows = [
        (
            standing.name,
            rate_text(rate),
            loss_text(median),
            f"{loss_text(low)} to {loss_text(high)}",
            f"{100 * share:.0f} %",
        )
        for standing in summary.standings
        for rate, median, low, high, share in standing.sensitivity
    ]
    return Table((summary.noun.capitalize(), "Learning rate", "Median loss", "Quartiles", "Diverged"), rows)


def curves_table(results: Results, summary: Summary) -> Table:
    """Return the medians at some epochs."""
    epochs = _some(thinned(results.facts.epochs, 1).tolist())
    runs: dict[tuple[str, float | None], list[Any]] = {}
    for outcome in results.outcomes:
        runs.setdefault((outcome.arm.name, outcome.arm.learning_rate), []).append(outcome)
    rows = []
    for standing in summary.standings:
        at_best = runs.get((standing.name, standing.learning_rate), [])
        rows.append((standing.name, rate_text(standing.learning_rate), *map(loss_text, medians(at_best, epochs))))
    return Table((summary.noun.capitalize(), "Rate", *(f"epoch {epoch}" for epoch in epochs)), rows)


def differences_table(summary: Summary) -> Table:
    """Return each rule's difference to the best."""
    rows = [
        (
            difference.name,
            _signed(difference.mean),
            f"{_signed(difference.low)} to {_signed(difference.high)}",
            "yes" if difference.told_apart else "no",
        )
        for difference in summary.differences
    ]
    return Table((summary.noun.capitalize(), "Difference", "Interval", "Told apart"), rows)


def tries_table(summary: Summary) -> Table:
    """Return the expected best losses after some numbers of tries."""
    most = max(len(standing.expected_best) for standing in summary.standings)
    tries = _some(list(range(1, most + 1)))
    rows = [
        (
            standing.name,
            *(loss_text(standing.expected_best[k - 1]) if k <= len(standing.expected_best) else NONE for k in tries),
        )
        for standing in summary.standings
    ]
    return Table((summary.noun.capitalize(), *("1 try" if k == 1 else f"{k} tries" for k in tries)), rows)


def limits_table(summary: Summary, limits: Sequence[Limit]) -> Table:
    """Return theory's limits beside the measured ones."""
    standings = {standing.name: standing for standing in summary.standings}
    known = [limit for limit in limits if limit.rate is not None and limit.name in standings]
    batches = any(limit.full_batch != limit.rate for limit in known)
    rows = []
    for limit in known:
        shares = f"{limit.column} ({100 * limit.share:.0f} %)" if limit.share >= CAUSE else ", ".join(limit.columns)
        rows.append(
            (
                limit.name,
                f"{'at least ' if limit.bound else '' if limit.exact else 'about '}{rate_text(limit.rate)}",
                *([rate_text(limit.full_batch)] if batches else []),
                _measured(standings[limit.name]),
                loss_text(limit.eigenvalue, 3),
                shares,
            )
        )
    head = [
        summary.noun.capitalize(),
        "Theory: stable below",
        "Measured limit",
        "Largest curvature",
        "Steepest direction: mostly",
    ]
    if batches:
        head.insert(2, "In full batches")
    notes = (_FULL.sub("", limit.note) for limit in known)
    sentences = (f"{note[0].upper()}{note[1:].rstrip('.')}." for note in notes if note)
    return Table(tuple(head), rows, notes=tuple(dict.fromkeys(sentences)))


def _measured(standing: Standing) -> str:
    below, above = measured_limit(standing)
    if below is not None:
        return f"between {rate_text(below)} and {rate_text(above)}"
    lost = any(not math.isfinite(point.median) for point in standing.sensitivity)
    return "below all that were tried" if lost else "no rate diverged"


def _signed(value: float) -> str:
    return loss_text(value, 3) if not math.isfinite(value) else f"{value:+.3g}"


def _some(values: list[int]) -> list[int]:
    """Thin out a list, keeping its ends."""
    if len(values) <= _MOST_COLUMNS:
        return values
    last = len(values) - 1
    return [values[round(last * (k / (_MOST_COLUMNS - 1)) ** 1.5)] for k in range(_MOST_COLUMNS)]


def facts_groups(results: Results) -> list[list[tuple[str, str]]]:
    """Return what was compared on, how, and where, as three lists of names with values."""
    facts, plan = results.facts, results.plan
    own = {"validation": f" ({facts.validation})"} if facts.validation else {}
    parts = ", ".join(f"{count_text(count)} {name}{own.get(name, '')}" for name, count in facts.rows.items())
    task = facts.task if not facts.classes else f"{facts.task}, {facts.classes} classes"
    data = [("Table", facts.table), ("Target", facts.target), ("Task", task), ("Rows", parts)]
    data += [("Features", str(len(facts.features))), ("Target scaled", "to variance 1" if facts.scaled else "no")]
    wholes: list[Whole | Facts] = [*facts.wholes.values()] or [facts]
    models, batches, steps = ([getattr(each, name) for each in wholes] for name in ("model", "batch_size", "steps"))
    batch = " or ".join(dict.fromkeys("all rows" if size is None else counted(size, "row") for size in batches))
    span = counted(steps[0], "update") if len(set(steps)) == 1 else f"{min(steps):,} to {max(steps):,} updates"
    budget = f"{counted(facts.epochs, 'epoch')}, {span}"
    runs = [("Model", "; ".join(dict.fromkeys(models))), ("Loss", facts.loss)]
    runs += [("Batch", batch), ("Budget of a run", budget)]
    runs += [("Seeds", ", ".join(map(str, plan.seeds[:12])) + (", …" if len(plan.seeds) > 12 else ""))]
    runs += [("Paired", _paired(facts, len(set(models)) == 1)), ("Numbers", facts.dtype)]
    runs += [("Rates", f"grids grew {counted(plan.growths, 'time')}" if plan.growths else "as planned")]
    if not facts.wholes:
        runs += [(setting_word(name).capitalize(), _setting(value)) for name, value in _further(facts.settings)]
    return [data, runs, [(name, str(value)) for name, value in facts.machine.items()]]


def wholes_table(facts: Facts) -> Table:
    """Return what the estimators are: their rules, models, batches, and what else they bring."""
    further = {name: dict(_further(whole.settings)) for name, whole in facts.wholes.items()}
    names = list(dict.fromkeys(name for settings in further.values() for name in settings))
    rows = [
        (
            name,
            whole.rule,
            whole.model,
            "all rows" if whole.batch_size is None else count_text(whole.batch_size),
            count_text(whole.steps),
            *(_setting(further[name][one]) if one in further[name] else NONE for one in names),
        )
        for name, whole in facts.wholes.items()
    ]
    head = ("Estimator", "Rule", "Model", "Batch", "Updates", *(setting_word(name).capitalize() for name in names))
    return Table(head, rows)


def _paired(facts: Facts, alike: bool) -> str:
    if not facts.paired:
        return "no"
    if alike:
        return f"same starts and orders for all {facts.noun}s"
    return "same orders for all; same starts where models are alike"


def _further(settings: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the settings that are not said elsewhere and do something."""
    said = {"loss", "batch_size", "max_iter"}
    usual = {field.name: field.default for field in fields(Settings)}
    return [(name, value) for name, value in settings.items() if name not in said and value != usual.get(name)]


def _setting(value: Any) -> str:
    if isinstance(value, dict) and "name" not in value:
        return ", ".join(f"{name} {_setting(number)}" for name, number in value.items() if number is not None)
    if isinstance(value, dict):
        numbers = ", ".join(f"{name}={_setting(number)}" for name, number in value.items() if name != "name")
        return f"{value.get('name', '')}({numbers})" if numbers else str(value.get("name", ""))
    if isinstance(value, list | tuple):
        return ", ".join(map(_setting, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
