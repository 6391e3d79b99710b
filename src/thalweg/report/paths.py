"""Paths on one contour: a picture that can be played, as a section of a page or a page of its own.

The picture asks for nothing but what stands in it. Contours are computed by ContourPy, which comes with Bokeh.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from thalweg.comparison.paths import ALIKE, DIVERGED, NEAR, Paths, PathStanding
from thalweg.report.contours import UNIT, WIDTH, Levels, View, text, ticks
from thalweg.report.embedding import check_extra, json_text, own, rendered, templates
from thalweg.report.numbers import NONE, rate_text
from thalweg.report.paths_data import paths_data

#: What marks the start, and the points that take the smallest value, in pixels around the point.
_MARKS = {
    "start": "M-6 0A6 6 0 1 0 6 0A6 6 0 1 0-6 0ZM-1 0H1M0-1V1",
    "lowest": "M0-8L2.1-2.8L7.6-2.5L3.4 1.1L4.7 6.5L0 3.5L-4.7 6.5L-3.4 1.1L-7.6-2.5L-2.1-2.8Z",
}


@final
@dataclass(frozen=True)
class Section:
    """The picture for a page that has the colours of ``page.css``.

    Attributes
    ----------
    html : str
        A ``section`` element; all names in it are escaped.
    script, style : str
        What moves and dresses it; the script runs after the section was read.
    """

    html: str
    script: str
    style: str


def paths_page(paths: Paths, command: str = "") -> str:
    """Return a whole page, HTML, with the paths alone.

    Parameters
    ----------
    paths : Paths
    command : str
        What makes the page again.

    Raises
    ------
    UsageError
        REPORT-EXTRA: Bokeh, with ContourPy, or Jinja2 is not installed.
    """
    check_extra()
    from markupsafe import Markup

    section = paths_section(paths, heading="Paths", board=True)
    return rendered(
        "surface.html.j2",
        own("page.css") + section.style,
        [section.script],
        name=paths.name,
        rules=len(paths.plan.names),
        count=len(paths.paths),
        steps=paths.steps,
        command=command,
        section=Markup(section.html),  # noqa: S704 - escaped by its template
    )


def paths_section(paths: Paths, heading: str = "", order: Sequence[str] = (), *, board: bool = False) -> Section:
    """Return the picture with its controls and numbers as one section of a page.

    Parameters
    ----------
    paths : Paths
    heading : str
        ``"Paths on NAME"`` without it.
    order : sequence of str
        Names of rules as the page around ranks them, so that colours agree with its charts; as the paths rank them
        without it.
    board : bool
        Whether the leaderboard is open at first.

    Raises
    ------
    UsageError
        REPORT-EXTRA: Bokeh, with ContourPy, or Jinja2 is not installed.
    """
    check_extra()
    from markupsafe import Markup

    view, levels, standings = View(paths), Levels(paths), paths.standings
    winner = standings[0].name
    places = {name: place for place, name in enumerate(order)}
    standings = tuple(sorted(standings, key=lambda standing: places.get(standing.name, len(places))))
    data = paths_data(view, standings)
    drawn = sum(len(rule["rates"]) for rule in data["rules"])
    html = (
        templates()
        .get_template("paths.html.j2")
        .render(
            heading=heading or f"Paths on {paths.name}",
            paths=paths,
            data=Markup(json_text(data)),  # noqa: S704 - escaped for where it stands
            rules=data["rules"],
            stride=data["stride"],
            frames=-(-paths.steps // data["stride"]),
            left_out=len(paths.paths) - drawn,
            width=WIDTH,
            view=view,
            scale=f"{1 / UNIT:g}",
            shapes=[shape for shape in levels.shapes(view) if shape],
            shade=f"{levels.step:.4f}",
            levels=levels,
            marks=_marks(view),
            icons=_MARKS,
            minima=len(paths.minimisers),
            lost=any(path.diverged is not None for path in paths.paths),
            across=_ticks(view, 0),
            up=_ticks(view, 1),
            offsets=_offsets(data),
            speeds=[0.25, 0.5, 1, 2, 4],
            board_open=board,
            board=[_row(standing, paths.minimum, best=standing.name == winner) for standing in standings],
            notes=_notes(standings),
            near=f"{100 * NEAR:g} %",
        )
    )
    return Section(html, own("paths.js"), own("paths.css"))


def _marks(view: View) -> list[tuple[str, str, str]]:
    """Return kind and place of the marks: the minimisers in the picture, and the start."""
    lowest = [point for point in view.paths.minimisers if view.inside(point)]
    places = view.place(np.array([*lowest, view.paths.paths[0].points[0]]))
    kinds = [*("lowest" for _ in lowest), "start"]
    return [(kind, f"{x:.1f}", f"{y:.1f}") for kind, (x, y) in zip(kinds, places.tolist(), strict=True)]


def _ticks(view: View, axis: int) -> list[tuple[str, str]]:
    """Return the place of each tick, in per cent of its axis, and its number."""
    low, high = float(view.low[axis]), float(view.high[axis])
    return [(f"{100 * (tick - low) / (high - low):.2f}", text(tick)) for tick in ticks(low, high)]


def _offsets(data: dict[str, Any]) -> list[tuple[int, str]]:
    """Return how far from the best the rates of all rules can be chosen together."""
    below = max(rule["best"] for rule in data["rules"])
    beyond = max(len(rule["rates"]) - 1 - rule["best"] for rule in data["rules"])
    return [
        (k, f"{abs(k)} {'higher' if k > 0 else 'lower'}" if k else "each rule's best")
        for k in range(-below, beyond + 1)
    ]


def _row(standing: PathStanding, minimum: float, *, best: bool) -> dict[str, Any]:
    """Return a line of the leaderboard."""
    lost = standing.path.ends == DIVERGED
    rate = "" if standing.learning_rate is None else f"{standing.edge} {rate_text(standing.learning_rate)}".strip()
    return {
        "best": best and not lost,
        "name": standing.name,
        "rate": rate or NONE,
        "final": NONE if lost else text(standing.path.final),
        "above": f"+{text(max(standing.path.final - minimum, 0.0), 3)}" if minimum and not lost else "",
        "cells": (
            NONE if lost or math.isnan(standing.distance) else text(standing.distance, 3),
            NONE if standing.steps is None else str(standing.steps),
            standing.path.ends,
            f"{standing.diverged}/{standing.tried}",
        ),
    }


def _notes(standings: Sequence[PathStanding]) -> list[str]:
    notes = ["In the lists of rates * is the best for the rule, \N{MULTIPLICATION X} one at which it diverged."]
    notes.append(
        f"Rules that have less than {100 * ALIKE:.4f} % of the height of the start left are ordered by updates."
    )
    if any(standing.edge for standing in standings):
        notes.append("< >: the smallest or largest rate tried; one beyond it may be better.")
    return notes
