"""``thalweg explain``: updates of a rule told number by number, in the order of its formula."""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from thalweg.cli import options as o
from thalweg.errors import SettingError

if TYPE_CHECKING:
    from rich.console import Console

    from thalweg.formulas.formula import Rule
    from thalweg.formulas.ledger import Ledger
    from thalweg.formulas.ledger_words import LedgerWords

_EXAMPLE = "0.1,-0.2,0.3"


@click.command("explain", cls=o.SectionedCommand, short_help="Tell updates of a rule number by number.")
@click.argument("rule")
@o.word("Updates", "--gradients", "G,G,...|FILE", f"One per update; coordinates between '/'.  [{_EXAMPLE}]")
@o.word("Updates", "--theta", "X", "Before the first update; coordinates between '/'.", "1")
@o.number("Updates", "--learning-rate --lr", "Of the rule.  [its default]")
@o.word("Updates", "--set", "NAME=X", "Another number of the rule; may be repeated.", multiple=True)
@o.choice("Updates", "--dtype", ["float64", "float32"], "Type of theta, gradients and memory.", "float64")
@o.word("Output", "--steps --step", "N|A-B", "The updates to tell, from 1.  [as many as fit; all in a file]")
@o.word("Output", "--coordinates", "N|A-B", "The coordinates to tell, from 1.  [as many as fit]")
@o.count("Output", "--digits", "Of the numbers in the table.", 4)
@o.choice("Output", "--format", ["text", "json", "csv"], "Of what is printed.", "text")
@o.word("Output", "--report", "FILE", "A page, HTML, with all updates to go through.  [none]")
@o.choice("Output", "--language", ["en", "zh"], "English or Chinese, of what is read; data are as they are.", "en")
@o.OUTPUT
def explain(rule: str, **told: Any) -> None:
    """Tell what RULE does with gradients: every part of every line of its formula, as numbers.

    A file of gradients (.csv, .tsv, .npy) has an update in each row and a coordinate in each column.

    \b
    thalweg explain adam
    thalweg explain adam --gradients 1e-9,1e-9 --set epsilon=1e-7
    thalweg explain my_rules.py:my_rule --gradients 1/2,3/4     (runs the file)
    """  # noqa: D301 - what click reads is the character, not its name
    from thalweg.check.wording.ledger import ledger_spoken
    from thalweg.cli.gradients_told import gradients_told, numbers_told, of_type, span
    from thalweg.cli.terminal import note

    chosen = _with_numbers(rule, told)
    example = told["gradients"] is None
    gradients = of_type(gradients_told(_EXAMPLE if example else told["gradients"]), told["dtype"], "--gradients")
    theta = of_type(numbers_told(told["theta"], "--theta"), told["dtype"], "--theta")
    updates, size = gradients.shape
    if theta.size not in (1, size):
        raise SettingError("SETTING-SHAPE", "--theta", f"{theta.size} coordinates, and gradients of {size}")
    steps = span(told["steps"], "--steps", updates, "update")
    coordinates = span(told["coordinates"], "--coordinates", size, "coordinate")
    if told["report"] is not None:
        _report(told, chosen.explain(gradients, theta, steps=steps))
    if told["format"] != "text":
        ledger = chosen.explain(gradients, theta, steps=steps)
        as_json = told["format"] == "json"
        click.echo(json.dumps(ledger.to_dict(), allow_nan=False) if as_json else _csv(ledger), nl=as_json)
        return
    if example:
        note([ledger_spoken(told["language"]).example.format(gradients=_EXAMPLE)])
    _show(chosen, gradients, theta, steps, coordinates, told)


def _with_numbers(name: str, told: dict[str, Any]) -> Rule:
    """Return the rule with the numbers that were told."""
    from thalweg.cli.formula_names import formula, with_numbers

    rule: Rule = formula("rule", name, "rule")
    if told["learning_rate"] is not None:
        rule = with_numbers(rule, {"learning_rate": told["learning_rate"]}, "--learning-rate")
    for text in told["set"]:
        key, equals, written = (part.strip() for part in text.partition("="))
        value = o.written_number(written)
        if not equals or value is None:
            what = f"{text[:40]!r} is not a hyperparameter with its number"
            raise SettingError("SETTING-TYPE", "--set", what, "Write it as in --set beta1=0.8.")
        rule = with_numbers(rule, {key: value}, "--set")
    return rule


# As a table


def _show(
    rule: Rule,
    gradients: Any,
    theta: Any,
    steps: tuple[int, int] | None,
    coordinates: tuple[int, int] | None,
    told: dict[str, Any],
) -> None:
    """Print the table; where nothing was told, as much as fits side by side."""
    from thalweg.check.wording.ledger import ledger_spoken
    from thalweg.cli.terminal import console
    from thalweg.formulas.ledger_text import columns, fitting, notes, table
    from thalweg.formulas.widths import wrapped

    words = ledger_spoken(told["language"])
    screen = console(no_color=told["no_color"])
    width = max(screen.width, 60)
    digits: int = told["digits"]
    fits = fitting(width, digits)
    updates, size = gradients.shape
    shown = coordinates or (1, min(size, fits))
    several = shown[1] > shown[0]
    made = steps or (1, 1 if several else min(updates, fits))
    ledger = rule.explain(gradients, theta, steps=made)
    _print(screen, textwrap.fill(repr(rule), width, subsequent_indent="    "), strong=True)
    for block in columns(ledger, width, digits, range(ledger.steps), range(shown[0] - 1, shown[1]), words):
        screen.print()
        for line, strong in table(ledger, block, width, digits, words):
            _print(screen, line, strong=strong)
    said = ["\n".join(wrapped(line, width, "", "    ")) for line in notes(ledger, words)]
    said += _left_out(words, updates, size, made, shown)
    if said:
        _print(screen, "\n" + "\n".join(said))


def _print(screen: Console, text: str, *, strong: bool = False) -> None:
    from rich.text import Text

    screen.print(Text(text, style="bold" if strong else ""), soft_wrap=True)


def _left_out(
    words: LedgerWords, updates: int, size: int, made: tuple[int, int], shown: tuple[int, int]
) -> Iterator[str]:
    """Say what is not in the table, and how to see it."""
    if made[1] - made[0] + 1 < updates:
        told, further = words.few("update", made), min(made[1] + 1, updates)
        yield words.left_updates.format(told=told, count=updates, further=further)
    if shown[1] - shown[0] + 1 < size:
        told, further = words.few("coordinate", shown), min(shown[1] + 1, size)
        yield words.left_coordinates.format(told=told, count=size, further=further)


# As data, and as a page


def _csv(ledger: Ledger) -> str:
    """Return a line per number: which update, which line of the formula, what, which coordinate, how much."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["t", "line", "kind", "text", "coordinate", "value"])
    for step, t in enumerate(ledger.times.tolist()):
        for row in ledger.rows:
            if not row.told[step]:
                continue
            number = ledger.lines[row.line].number if row.line >= 0 else ""
            value = row.values[step].tolist()
            each = enumerate(value, start=1) if isinstance(value, list) else [("", value)]
            writer.writerows([t, number, row.kind, row.text, k, repr(one)] for k, one in each)
    return text.getvalue()


def _report(told: dict[str, Any], ledger: Ledger) -> None:
    from thalweg.check.wording.ledger import ledger_page_spoken
    from thalweg.cli.terminal import note
    from thalweg.exchange.files import atomic_write, check_writable
    from thalweg.exchange.tables.cells import shown
    from thalweg.report.ledger import ledger_page

    check_writable(told["report"])
    atomic_write(told["report"], ledger_page(ledger, o.command_told(), ledger_page_spoken(told["language"])).encode())
    note([f"left the page in {shown(told['report'], 200)}"])
