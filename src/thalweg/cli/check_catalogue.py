"""``thalweg check --list`` and ``--explain``: the catalogue of mistakes and conventions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from thalweg.errors import SettingError

if TYPE_CHECKING:
    from rich.console import Console

    from thalweg.check.catalogue.variation import Variation
    from thalweg.check.picture import Picture

_SHOWN = (1, 2, 5, 10, 20, 40)
_BAR = 24


def catalogue(code: str | None, *, no_color: bool) -> None:
    """Print the catalogue, or one entry of it in full.

    Raises
    ------
    SettingError
        There is no entry of that code.
    """
    from thalweg.check.catalogue.entries import entries
    from thalweg.cli.terminal import console, row, table

    screen = console(no_color=no_color)
    known = entries()
    if code is None:
        shown = table(("code", "left"), ("kind", "left"), ("what it is", "left"), wrap="what it is")
        for entry in sorted(known.values(), key=lambda entry: (entry.kind, entry.code)):
            shown.add_row(*row([entry.code, entry.kind, entry.title]))
        screen.print(shown)
        mistakes = sum(entry.kind == "mistake" for entry in known.values())
        line = f"\n{mistakes} mistakes, {len(known) - mistakes} conventions. One of them: thalweg check --explain CODE"
        screen.print(line, markup=False)
        return
    if code not in known:
        import difflib

        near = difflib.get_close_matches(code, known, n=1)
        guess = f"; did you mean {near[0]!r}?" if near else ""
        raise SettingError("SETTING-UNKNOWN", "--explain", f"no entry {code!r:.60}{guess}", "See thalweg check --list.")
    _in_full(screen, known[code])


def _in_full(screen: Console, entry: Variation) -> None:
    """Print an entry: what it is, the lines, the effect."""
    from rich.text import Text

    from thalweg.check.catalogue.entries import fitting
    from thalweg.check.catalogue.textbook import names
    from thalweg.check.effect import finding
    from thalweg.check.hypothesis import Hypothesis
    from thalweg.check.picture import picture
    from thalweg.check.wording import spoken

    seen = picture(entry.code)
    told = finding(Hypothesis(seen.rule, (entry.code,)), entry.code)
    mistake = entry.kind == "mistake"
    screen.print(Text.assemble(f"{entry.kind}: ", (entry.title, "bold"), "  ", (f"[{entry.code}]", "dim")))
    screen.print(Text(f"\n{entry.explanation}"))
    screen.print(Text(f"\nin {seen.rule}"))
    for line in told.found.splitlines():
        screen.print(Text(f"  {'-' * mistake}{line}", "red" if mistake else ""), soft_wrap=True)
    for line in told.right.splitlines() if mistake else ():
        screen.print(Text(f"  +{line}", "green"), soft_wrap=True)
    words = spoken("en").page.gradients[seen.gradients]
    screen.print(Text(f"\nlength of steps with it, times that without it, on {words}"))
    for line in _bars(seen):
        screen.print(Text(line))
    rules = ", ".join(rule for rule in names() if entry in fitting(rule))
    screen.print(Text(f"\nrules: {rules}"))
    screen.print(Text(f"seen:  {entry.source}"))


def _bars(seen: Picture) -> list[str]:
    """Return the lengths of some steps, each with a bar to the right or left of 1; a decade is ten signs."""
    import numpy as np

    with np.errstate(all="ignore"):
        ratios = np.diff(seen.with_it) / np.diff(seen.without)
    lines = []
    for t in _SHOWN:
        ratio = float(ratios[t - 1])
        if not math.isfinite(ratio):
            said, bar = "no number", ""
        elif ratio <= 0:
            said, bar = ("stands still" if ratio == 0 else f"{-ratio:.3g}, uphill"), ""
        else:
            length = max(-_BAR, min(_BAR, round(10 * math.log10(ratio))))
            said = f"{ratio:.3g}"
            bar = f"{'#' * -length:>{_BAR}}|{'#' * length}" if length < 0 else f"{'':{_BAR}}|{'#' * length}"
        lines.append(f"  t = {t:<3} {said:<14}{bar}".rstrip())
    return lines
