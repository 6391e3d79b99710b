"""``thalweg compare surface:NAME``: every rule at every rate on a function of two variables, and a picture to play."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thalweg.cli import options as o
from thalweg.cli.folder import LEADERBOARD, RECORDS, check_ours, leave
from thalweg.errors import DivergedError, SettingError, UsageError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from thalweg.comparison.paths import Paths, PathStanding
    from thalweg.formulas.surfaces import Surface

PREFIX = "surface:"
#: The option that surfaces add to the command.
STEPS = o.count("Descent", "--steps", "Updates on a surface:NAME, where there are no epochs.  [200]")

_OF_A_SURFACE = {"table", "optimizers", "learning_rates", "steps", "report", "output", "no_color", "debug"}
_WORDS = {"local minimum": "local min."}  # what the page says at length


def compare_surface(table: str, told: dict[str, Any]) -> None:
    """Compare rules on a surface: a leaderboard, and where it is asked for a page with all paths, and their records.

    Parameters
    ----------
    table : str
        ``surface:NAME``; ``surface:quadratic:condition=30``; ``surface:my.py:NAME`` for one of the user's own.
    told : dict
        The options of ``thalweg compare`` as they were told.

    Raises
    ------
    ThalwegError
        No such surface, an option that means nothing on one, a file that cannot be written, nothing but divergence.
    """
    from thalweg.cli.formula_names import formulas
    from thalweg.cli.terminal import console, note
    from thalweg.comparison.paths import STEPS as USUAL
    from thalweg.comparison.surface_paths import descend_surface
    from thalweg.formulas import catalog

    _refuse_idle(told)
    surface = named(table.removeprefix(PREFIX))
    everything = told["optimizers"] == "all"
    rules = catalog.rules() if everything else formulas("rule", told["optimizers"], "--optimizers")
    report = told.get("report")
    folder = Path(told["output"]) if told.get("output") and o.was_told("output") else None
    _try(report, folder)
    steps = told.get("steps") or USUAL
    found = descend_surface(surface, rules, told["learning_rates"], steps)
    note(_describe(found, surface))
    _show(console(no_color=told["no_color"]), found)
    if report:
        _report(report, found)
        note([f"left the paths in {_shown(report)}"])
    if folder is not None:
        _save(folder, found)
        note([f"left in {_shown(folder)}: {RECORDS}, {LEADERBOARD}"])
    if math.isinf(found.standings[0].path.final):
        what = f"all {len(found.paths)} paths diverged; no rule has a rate that holds"
        raise DivergedError("DIVERGED", "compare", what, "Try smaller --learning-rates.")


def without_steps(told: dict[str, Any]) -> None:
    """Take the option of surfaces out of those that were told for a table.

    Raises
    ------
    UsageError
        It was told.
    """
    if told.pop("steps", None) is not None:
        what = "is for surface:NAME; the length of a run on a table is told in --epochs"
        raise UsageError("OPTION-SURFACE", "--steps", what)


def named(text: str) -> Surface:
    """Return the surface of a name, or the user's own out of a file.

    Raises
    ------
    SettingError
        There is none of that name, or it takes no such number.
    FormulaError, StorageError
        A file that cannot be run or read.

    Examples
    --------
    >>> named("quadratic:condition=30").name
    'quadratic(30)'
    """
    from thalweg.cli.formula_names import formula
    from thalweg.formulas import catalog
    from thalweg.formulas.surfaces import Surface, quadratic

    file, dot, own = text.partition(".py")
    if dot and own[:1] in {"", ":"}:
        try:
            mine = formula("surface", f"{file}.py:{own[1:]}", PREFIX)
        except SettingError as error:
            hint = "A surface is a thalweg.formulas.surfaces.Surface, told as surface:FILE.py:NAME."
            raise SettingError(error.code, PREFIX, error.what, hint) from error
        if isinstance(mine, Surface):
            return mine
    name, _, numbers = text.partition(":")
    found: Surface = catalog.find("surface", name.strip(), PREFIX)
    if not numbers:
        return found
    key, _, written = (part.strip() for part in numbers.partition("="))
    value = o.written_number(written)
    if found.name != quadratic().name or key != "condition" or value is None:
        what = f"'{_shown(numbers)}' is not a number that {name} takes"
        raise SettingError("SETTING-UNKNOWN", PREFIX, what, "One has a number: surface:quadratic:condition=30.")
    return quadratic(condition=float(value))


def _refuse_idle(told: dict[str, Any]) -> None:
    """Answer options that mean something on tables only."""
    idle = [name for name in told if name not in _OF_A_SURFACE and o.was_told(name)]
    if idle:
        option = f"--{idle[0].replace('_', '-')}"
        what = "means nothing on a surface, which has no rows and no model"
        raise UsageError("OPTION-SURFACE", option, what, "There are --optimizers, --learning-rates, --steps, --report.")


def _try(report: str | None, folder: Path | None) -> None:
    """Find out before any work whether the results can be written."""
    from thalweg.exchange.files import check_writable

    if report:
        from thalweg.report.embedding import check_extra

        check_extra()
        check_writable(report)
    if folder is not None:
        check_ours(folder)


def _describe(found: Paths, surface: Surface) -> list[str]:
    """Return what was done, in a few lines."""
    from thalweg.cli.terminal import digits

    start, first = found.paths[0].points[0], float(found.paths[0].values[0])
    points = [f"({digits(float(x))}, {digits(float(y))})" for x, y in found.minimisers]
    minima = f" at {', '.join(points)}" if points else ""
    rules = len(found.plan.names)
    rates = max(len(found.plan.rates(name)) for name in found.plan.names)
    grown = found.plan.growths
    growth = f"; the rates were extended {grown} time{'s' * (grown > 1)}" if grown else ""
    tried = f"{rules} rule{'s' * (rules > 1)} x {rates} rate{'s' * (rates > 1)}"
    return [
        f"{surface.name}: from ({start[0]:g}, {start[1]:g}), where it is {digits(first)}",
        f"minimum: {digits(found.minimum)}{minima}",
        f"{tried}: {len(found.paths)} paths of {found.steps} updates{growth}",
    ]


def _show(screen: Console, found: Paths) -> None:
    """Print the leaderboard; it fits into 80 columns."""
    from thalweg.comparison.paths import NEAR

    screen.print(_table(found))
    value = "above     the minimum, after" if found.minimum else "value     after"
    lines = [
        f"{value} {found.steps} updates at the rate where it is lowest",
        f"updates   until {100 * NEAR:g} % of the height of the start is left",
    ]
    if any(standing.edge for standing in found.standings):
        lines.append("< >       the smallest or largest rate tried; one beyond it may be better")
    screen.print("\n" + "\n".join(lines), markup=False)


def _table(found: Paths) -> Table:
    from thalweg.cli.terminal import row, table

    value = "above\nminimum" if found.minimum else "final\nvalue"
    header = {
        "": "left",
        "\nrule": "left",
        "best\nrate": "right",
        value: "right",
        "\ndistance": "right",
        "up-\ndates": "right",
        "\nends": "left",
        "di-\nverged": "right",
    }
    shown = table(*header.items(), wrap="\nrule")
    for place, standing in enumerate(found.standings):
        shown.add_row(*row(_cells(found, standing, place), best=place == 0))
    return shown


def _cells(found: Paths, standing: PathStanding, place: int) -> list[str]:
    """Return a line of the table."""
    from thalweg.cli.terminal import digits

    final = standing.path.final
    rate = "-" if standing.learning_rate is None else f"{standing.edge} {standing.learning_rate:g}".strip()
    return [
        "*" if place == 0 and math.isfinite(final) else "",
        standing.name,
        rate,
        digits(max(final - found.minimum, 0.0), 3),
        digits(standing.distance, 2),
        "-" if standing.steps is None else str(standing.steps),
        _WORDS.get(standing.path.ends, standing.path.ends),
        f"{standing.diverged}/{standing.tried}",
    ]


def _report(place: str, found: Paths) -> None:
    from thalweg.exchange.files import atomic_write
    from thalweg.report.paths import paths_page

    atomic_write(place, paths_page(found, o.command_told()).encode())


def _save(folder: Path, found: Paths) -> None:
    """Leave the leaderboard as it was shown, and all paths, a line of JSON each."""
    from thalweg.descent.record import machine_information, plain
    from thalweg.exchange.files import make_folder

    make_folder(folder)
    rates = {name: list(found.plan.rates(name)) for name in found.plan.names}
    heading = {
        "comparison": {
            "surface": found.name,
            "steps": found.steps,
            "minimum": found.minimum,
            "minimisers": found.minimisers.tolist(),
            "rates": rates,
        },
        "machine": machine_information(),
    }
    lines = [heading] + [
        {
            "run": {"rule": path.arm.name, "learning_rate": path.arm.learning_rate},
            "rule": str(path.arm.rule),
            "ends": path.ends,
            "diverged": path.diverged,
            "values": path.values.tolist(),
            "points": path.points.tolist(),
        }
        for path in found.paths
    ]
    written = (json.dumps(plain(line), allow_nan=False) for line in lines)
    leave(folder, written, lambda screen: _show(screen, found))


def _shown(text: object) -> str:
    from thalweg.exchange.tables.cells import shown

    return str(shown(str(text), 200))
