"""The curves of a comparison as one picture, PNG or SVG. Needs matplotlib (the extra ``plot``)."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from thalweg.comparison.outcome import Outcome
from thalweg.comparison.results import Results
from thalweg.comparison.summary import Standing, Summary
from thalweg.comparison.wording import legible

#: Rules that have a colour of their own; the others are grey.
SHOWN = 6
# Okabe and Ito's colours, which the colour-blind can tell apart, with dashes so that colour is never the only sign.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)))
_GREY = "#9a9a9a"
_STYLE: dict[Any, Any] = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9,
    "savefig.dpi": 160,
    "svg.fonttype": "path",
    "svg.hashsalt": "thalweg",
    "text.parse_math": False,  # a dollar in a name is a dollar
}


def picture(results: Results, summary: Summary, kind: str = "png") -> bytes:
    """Draw loss against epochs at each rule's best rate, and final loss against the rate.

    Lines are medians over seeds, bands reach from the lowest to the highest. The best rules have colours; the others
    are grey.

    Parameters
    ----------
    results : Results
    summary : Summary
    kind : {"png", "svg"}

    Returns
    -------
    bytes
        The content of the file; the same for the same results.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcdefaults()  # the picture is the same whatever the user's own style
        mpl.rcParams.update(_STYLE)
        figure = Figure(figsize=(10.0, 4.8), layout="constrained")
        figure.suptitle(_title(results), fontsize=10)
        by_epoch, by_rate = figure.subplots(1, 2, sharey=True)
        ranked = summary.standings
        for place in reversed(range(len(ranked))):  # the best on top
            _draw(by_epoch, by_rate, results.outcomes, ranked[place], place)
        _dress(by_epoch, by_rate, results.outcomes, summary)
        content = io.BytesIO()
        empty = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(content, format=kind, metadata=empty)
    return content.getvalue()


def _draw(by_epoch: Any, by_rate: Any, outcomes: Sequence[Outcome], standing: Standing, place: int) -> None:
    """Draw one rule in both panels."""
    shown = place < SHOWN
    chosen = (standing.name, standing.learning_rate)
    runs = [run for run in outcomes if (run.arm.name, run.arm.learning_rate) == chosen and not run.diverged]
    style: dict[str, Any] = {"color": _GREY, "linewidth": 0.7, "alpha": 0.55, "zorder": 1}
    if shown:
        style = {"color": _COLOURS[place], "linestyle": _DASHES[place], "linewidth": 1.8, "zorder": 20 - place}
    if runs:
        curves = np.array([run.losses for run in runs if len(run.losses) == max(len(r.losses) for r in runs)])
        epochs = np.arange(curves.shape[1])
        rate = "" if standing.learning_rate is None else f" at {standing.learning_rate:g}"
        label = f"{standing.name}{rate}" if shown else None
        by_epoch.plot(epochs, np.median(curves, axis=0), label=label, **style)
        if shown and len(curves) > 1:
            low, high = curves.min(axis=0), curves.max(axis=0)
            by_epoch.fill_between(epochs, low, high, color=style["color"], alpha=0.15, linewidth=0, zorder=0)
    rates, medians = _sensitivity(standing)
    if len(rates) > 1:
        by_rate.plot(rates, medians, marker="o", markersize=3 if shown else 1.5, **style)
        lost = [rate for rate, median in zip(rates, medians, strict=True) if math.isnan(median)]
        if shown and lost:
            at_the_top = by_rate.get_xaxis_transform()
            height = [1.0 - 0.025 * place] * len(lost)
            by_rate.plot(lost, height, "x", markersize=5, color=style["color"], transform=at_the_top, clip_on=False)


def _sensitivity(standing: Standing) -> tuple[list[float], list[float]]:
    """Return the rates of a rule and the medians of the final losses; nan where half of the runs diverged."""
    points = [point for point in standing.sensitivity if point.rate is not None]
    medians = [point.median if math.isfinite(point.median) else math.nan for point in points]
    return [point.rate for point in points if point.rate is not None], medians


def _title(results: Results) -> str:
    facts = results.facts
    named = f"{legible(facts.table)}, predicting {legible(facts.target, 40)}"
    model = f"{len(facts.wholes)} estimators" if ";" in facts.model else facts.model
    return f"{named}: {model}, loss {facts.loss}"


def _dress(by_epoch: Any, by_rate: Any, outcomes: Sequence[Outcome], summary: Summary) -> None:
    """Set scales, limits and names: what is far above the first loss is cut off."""
    first = float(np.median([outcome.losses[0] for outcome in outcomes]))
    finite = [standing.low for standing in summary.standings if math.isfinite(standing.low)]
    low = min([*finite, first])
    wide = low > 0 and first > 4 * low
    by_epoch.set_yscale("log" if wide else "linear")
    room = (first / low) ** 0.08 if wide else 0.08 * (first - low) or 0.1 * first or 1.0
    by_epoch.set_ylim((low / room, first * room**2) if wide else (low - room, first + 2 * room))
    by_epoch.set(xlabel="epoch", ylabel="loss on the validation part")
    by_epoch.set_title(f"at each {summary.noun}'s best learning rate", fontsize=9)
    by_rate.set(xscale="log", xlabel="learning rate")
    lost = any(outcome.diverged for outcome in outcomes)
    by_rate.set_title(f"after the last epoch{'; x: diverged' * lost}", fontsize=9)
    by_rate.xaxis.set_major_formatter(_written)
    if wide:
        by_epoch.yaxis.set_major_formatter(_written)
        by_epoch.yaxis.set_minor_formatter(_written_if_short)
    if summary.target is not None:
        by_epoch.axhline(summary.target, color="black", linewidth=0.6, linestyle=(0, (1, 3)), zorder=0)
        across = by_epoch.get_yaxis_transform()
        by_epoch.text(0.995, summary.target, "goal", transform=across, ha="right", va="bottom", fontsize=7)
    handles, labels = by_epoch.get_legend_handles_labels()
    more = len(summary.standings) - SHOWN
    note = f"grey: {more} more {summary.noun}{'s' * (more > 1)}" if more > 0 else None
    by_epoch.legend(handles[::-1], labels[::-1], frameon=False, title=note, title_fontsize=8, fontsize=8)


def _written(value: float, _: int | None = None) -> str:
    return f"{value:g}"


def _written_if_short(value: float, _: int | None = None) -> str:
    """Label 2 and 5 between the powers of ten."""
    return f"{value:g}" if f"{value:e}"[0] in "25" else ""
