"""``thalweg check --list`` and ``--explain``: the catalogue of mistakes and conventions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from thalweg.check.wording import spoken
from thalweg.errors import SettingError
from thalweg.formulas.widths import padded, wrapped

if TYPE_CHECKING:
    from rich.console import Console

    from thalweg.check.catalogue.variation import Variation
    from thalweg.check.picture import Picture
    from thalweg.check.wording.phrases import ListingWords, Phrases

_SHOWN = (1, 2, 5, 10, 20, 40)
_BAR = 24


def catalogue(code: str | None, language: str, *, no_color: bool) -> None:
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
    phrases = spoken(language)
    words = phrases.listing
    if code is None:
        shown = table(*((name, "left") for name in words.head), wrap=words.head[-1])
        for entry in sorted(known.values(), key=lambda entry: (entry.kind, entry.code)):
            shown.add_row(*row([entry.code, words.kinds[entry.kind], phrases.title(entry.code, entry.title)]))
        screen.print(shown)
        mistakes = sum(entry.kind == "mistake" for entry in known.values())
        line = words.counted.format(mistakes=mistakes, conventions=len(known) - mistakes)
        screen.print(f"\n{line}", markup=False)
        return
    if code not in known:
        import difflib

        near = difflib.get_close_matches(code, known, n=1)
        guess = f"; did you mean {near[0]!r}?" if near else ""
        raise SettingError("SETTING-UNKNOWN", "--explain", f"no entry {code!r:.60}{guess}", "See thalweg check --list.")
    _in_full(screen, known[code], phrases)


def _in_full(screen: Console, entry: Variation, phrases: Phrases) -> None:
    """Print an entry: what it is, the lines, the effect."""
    from rich.text import Text

    from thalweg.check.catalogue.entries import fitting
    from thalweg.check.catalogue.textbook import names
    from thalweg.check.effect import finding
    from thalweg.check.hypothesis import Hypothesis
    from thalweg.check.picture import picture

    seen = picture(entry.code)
    told = finding(Hypothesis(seen.rule, (entry.code,)), entry.code)
    mistake = entry.kind == "mistake"
    words = phrases.listing
    title = phrases.title(entry.code, entry.title)
    screen.print(
        Text.assemble(
            phrases.labelled.format(label=words.kinds[entry.kind], text=""),
            (title, "bold"),
            "  ",
            (f"[{entry.code}]", "dim"),
        )
    )
    screen.print()
    for line in wrapped(phrases.explanation(entry.code, entry.explanation), screen.width):
        screen.print(Text(line), soft_wrap=True)
    shown_in = f"{seen.rule} + {entry.beside}" if entry.beside else seen.rule
    screen.print(Text(f"\n{words.in_rule.format(rule=shown_in)}"))
    for line in told.found.splitlines():
        screen.print(Text(f"  {'-' * mistake}{line}", "red" if mistake else ""), soft_wrap=True)
    for line in told.right.splitlines() if mistake else ():
        screen.print(Text(f"  +{line}", "green"), soft_wrap=True)
    gradients = phrases.page.gradients[seen.gradients]
    screen.print(Text(f"\n{words.lengths.format(gradients=gradients)}"))
    for line in _bars(seen, words):
        screen.print(Text(line))
    rules = ", ".join(rule for rule in names() if entry in fitting(rule))
    screen.print(Text(f"\n{words.rules.format(rules=rules)}"))
    screen.print(Text(words.seen.format(source=entry.source)))


def _bars(seen: Picture, words: ListingWords) -> list[str]:
    """Return the lengths of some steps, each with a bar to the right or left of 1; a decade is ten signs."""
    import numpy as np

    with np.errstate(all="ignore"):
        ratios = np.diff(seen.with_it) / np.diff(seen.without)
    lines = []
    for t in _SHOWN:
        ratio = float(ratios[t - 1])
        if not math.isfinite(ratio):
            said, bar = words.no_number, ""
        elif ratio <= 0:
            said, bar = (words.stands_still if ratio == 0 else words.uphill.format(ratio=f"{-ratio:.3g}")), ""
        else:
            length = max(-_BAR, min(_BAR, round(10 * math.log10(ratio))))
            said = f"{ratio:.3g}"
            bar = f"{'#' * -length:>{_BAR}}|{'#' * length}" if length < 0 else f"{'':{_BAR}}|{'#' * length}"
        lines.append(f"  t = {t:<3} {padded(said, 14)}{bar}".rstrip())
    return lines
