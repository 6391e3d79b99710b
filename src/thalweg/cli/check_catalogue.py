"""``thalweg check --list`` and ``--explain``: the catalogue of mistakes and conventions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thalweg.errors import SettingError

if TYPE_CHECKING:
    from rich.console import Console

    from thalweg.check.catalogue.variation import Variation


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
    from thalweg.check.effect import finding, how_much
    from thalweg.check.hypothesis import Hypothesis

    rules = [rule for rule in names() if entry in fitting(rule)]
    screen.print(Text.assemble((entry.title, "bold"), "  ", (f"[{entry.code}]", "dim")))
    screen.print(Text(f"{entry.kind}; seen: {entry.source}"))
    screen.print()
    screen.print(Text(entry.explanation))
    for rule in rules[:1]:
        wrong, right = Hypothesis(rule, (entry.code,)), Hypothesis(rule)
        told = finding(wrong, entry.code)
        screen.print(f"\nin {rule}", markup=False)
        for line in told.found.splitlines():
            screen.print(Text(f"  -{line}" if entry.kind == "mistake" else f"   {line}", "red"), soft_wrap=True)
        for line in told.right.splitlines():
            screen.print(Text(f"  +{line}", "green"), soft_wrap=True)
        screen.print()
        screen.print(Text(how_much(wrong, right, wrong.numbers)))
    screen.print(Text(f"\nrules: {', '.join(rules)}"))
