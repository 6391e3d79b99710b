"""``thalweg inspect``: the card of a model file."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

import click

from thalweg.cli import options as o

if TYPE_CHECKING:
    from rich.console import Console

#: Columns, features and categories that are shown unless all are asked for.
_FEW = 12


@click.command("inspect", cls=o.SectionedCommand, short_help="Show what a model file holds.")
@click.argument("model")
@o.flag("Output", "--all", "Every column and coefficient, not the largest twelve.")
@o.choice("Output", "--format", ["text", "json"], "A card to read, or plain data.", "text")
@o.OUTPUT
def inspect(model: str, **told: Any) -> None:
    """Show what MODEL holds, a file of `thalweg train` or `thalweg.save`; nothing in it is run.

    The data and its columns, how it was trained, its scores, and what weighs most.

    \b
    thalweg inspect model.thalweg
    """  # noqa: D301 - what click reads is the character, not its name
    from thalweg.cli.terminal import console
    from thalweg.descent.record import plain
    from thalweg.exchange.card import card

    found = card(model)
    if told["format"] == "json":
        click.echo(json.dumps(plain(found), indent=1, allow_nan=False))  # in ASCII: names may hold anything
        return
    screen = console(no_color=told["no_color"])
    most = None if told["all"] else _FEW
    _head(screen, found)
    _facts(screen, found, most)
    screen.print()
    _scores(screen, found)
    screen.print()
    _weights(screen, found, most)
    screen.print()
    _foot(screen, found)


def _head(screen: Console, found: dict[str, Any]) -> None:
    from thalweg.cli.terminal import size
    from thalweg.exchange.tables.cells import counted, shown

    model = found["model"]
    sizes = "-".join(map(str, model["layer_sizes"]))
    kind = "linear model" if model["kind"] == "linear" else f"network {sizes}"
    of = f" of {shown(found['target'])}" if found["target"] else ""
    made = found.get("class") or f"{kind}{of}"
    made += _inside(model) if model["kind"] != "linear" else ""
    parts = [made, counted(model["parameters"], "parameter"), model["dtype"], size(found["bytes"])]
    _say(screen, shown(found["file"], 60), "")
    _say(screen, "; ".join(parts), "  ")
    if found["not_finite"]:
        _say(screen, f"not finite: {', '.join(found['not_finite'])}; such a model cannot be used", "  ")


def _inside(model: dict[str, Any]) -> str:
    """Return activations and dropout of a network: one of each where all layers have the same."""
    parts = [list(dict.fromkeys(map(_short, model[name]))) for name in ("activations", "dropout")]
    activations, dropout = parts if all(len(part) < 2 for part in parts) else [model["activations"], model["dropout"]]
    told = ", ".join(map(_named, activations))
    dropped = ", ".join(map(_short, dropout))
    return f" ({told}; dropout {dropped})" if any(model["dropout"]) else f" ({told})"


def _facts(screen: Console, found: dict[str, Any], most: int | None) -> None:
    """Say of what data it is, with which columns, and how it was trained."""
    from thalweg.exchange.tables.cells import shown

    facts: list[tuple[str, list[str]]] = []
    data, rows = found["data"], found["data"].get("rows", {})
    if data:
        sizes = ", ".join(f"{count} {part}" for part, count in rows.items())
        facts.append(("data", [f"{shown(str(data.get('table', '')), 40)}; rows: {sizes}"]))
    if found["classes"]:
        facts.append(("classes", [_listed(found["classes"], most)]))
    columns = [_column(each, most) for each in found["columns"][:most]]
    left = len(found["columns"]) - len(columns)
    facts.append(("columns", [*columns, *([f"and {left} more"] if left > 0 else [])]))
    facts.append(("training", _training(found["training"])))
    changed = _changed(found)
    if changed:
        facts.append(("settings", [", ".join(f"{name}={_short(value)}" for name, value in changed.items())]))
    for title, lines in facts:
        for k, line in enumerate(lines):
            _say(screen, line, f"{title if k == 0 else '':<10}")


def _changed(found: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of an estimator that are not what they are by default."""
    if found["kind"] == "table":
        return {}
    from inspect import signature

    import thalweg

    made = getattr(thalweg, found["class"], None)
    usual = {name: told.default for name, told in signature(made).parameters.items()} if made else {}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in usual.items()}
    return {name: value for name, value in found["parameters"].items() if plain.get(name, ...) != value}


def _training(training: dict[str, Any]) -> list[str]:
    from thalweg.cli.terminal import digits
    from thalweg.exchange.tables.cells import counted

    lines = [_named(training.get("optimizer")), f"loss {_named(training.get('loss'))}"]
    lines[1] += "".join(f", {name} {_named(training[name])}" for name in ("penalty", "schedule") if training.get(name))
    if {"status", "epochs", "steps"} <= training.keys():  # format 1 had none of them
        batch = training.get("batch_size")
        lines[1] += f", batches of {batch}" if batch else ", full batch"
        made = f"{counted(training['epochs'], 'epoch')}, {counted(training['steps'], 'update')}"
        lines.append(f"{training['status']} after {made}; training loss {digits(training.get('training_loss'), 4)}")
    return lines


def _scores(screen: Console, found: dict[str, Any]) -> None:
    from thalweg.cli.terminal import digits, row, table
    from thalweg.exchange.tables.cells import shown

    scores = found["scores"]
    if not scores:
        screen.print("The file holds no scores.", markup=False)
        return
    board = table((f"score of {shown(found['target'])}", "left"), *((part, "right") for part in scores))
    for metric in next(iter(scores.values())):
        board.add_row(*row([metric, *(digits(part.get(metric), 4) for part in scores.values())]))
    screen.print(board)


def _weights(screen: Console, found: dict[str, Any], most: int | None) -> None:
    """Say what weighs most."""
    from thalweg.cli.terminal import digits, row, table
    from thalweg.exchange.tables.cells import shown

    entries, linear = found["weights"][:most], found["model"]["kind"] == "linear"
    several = linear and found["model"]["layer_sizes"][-1] > 1
    if not linear:
        board = table(("feature", "left"), ("norm of its weights", "right"))
    else:
        board = table(("feature", "left"), (_per(found), "right"), *([("for", "left")] if several else []))
    for each in entries:
        if not linear:
            board.add_row(*row([shown(each["feature"], 50), digits(each["norm"])]))
            continue
        sizes = [abs(value) for value in each["coefficients"]]
        k = sizes.index(max(sizes))
        of = [_output(found, k)] if several else []
        board.add_row(*row([shown(each["feature"], 36), _signed(each["coefficients"][k]), *of]))
    screen.print(board)
    left = len(found["weights"]) - len(entries)
    notes = [f"{left} smaller ones: --all shows them."] if left > 0 else []
    if linear and found["kind"] != "table":
        notes.append("Per unit of each column: sizes compare only where the columns were scaled.")
    elif linear and any(column["kind"] == "text" for column in found["columns"]):
        notes.append("A category of a text counts where the cell holds it.")
    if notes:
        _say(screen, " ".join(notes), "")


def _per(found: dict[str, Any]) -> str:
    """Return what a coefficient is: the header of its column."""
    from thalweg.exchange.tables.cells import shown

    in_its_units = found["target"] and found.get("link") == "identity" and not found["classes"]
    of = shown(found["target"], 20) if in_its_units else "coefficient"
    of += f" for {shown(_short(found['classes'][1]), 20)}" if len(found["classes"]) == 2 else ""
    return f"{of}\nper standard deviation" if found["kind"] == "table" else of


def _output(found: dict[str, Any], k: int) -> str:
    from thalweg.exchange.tables.cells import shown

    return shown(_short(found["classes"][k]), 20) if k < len(found["classes"]) else f"output {k}"


def _foot(screen: Console, found: dict[str, Any]) -> None:
    versions = dict(found["versions"])
    if not versions:
        _say(screen, f"format {found['format']}", "")
        return
    ours = versions.pop("thalweg", "?")
    others = ", ".join(f"{name} {version}" for name, version in versions.items())
    _say(screen, f"format {found['format']}, written by thalweg {ours} with {others}", "")


def _column(column: dict[str, Any], most: int | None) -> str:
    from thalweg.cli.terminal import digits
    from thalweg.exchange.tables.cells import shown

    if column["kind"] == "number":
        return f"{shown(column['name'])}: mean {digits(column['mean'])}, deviation {digits(column['scale'])}"
    return f"{shown(column['name'])}: {_listed(column['categories'], most)}"


def _listed(values: list[Any], most: int | None) -> str:
    from thalweg.exchange.tables.cells import shown

    few = [shown(_short(value)) or "(empty)" for value in values[:most]]
    left = len(values) - len(few)
    return ", ".join(few) + (f" and {left} more" if left > 0 else "")


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _named(formula: Any) -> str:
    """Return a formula of a record as one would write it."""
    if isinstance(formula, list):
        return ", ".join(_named(each) for each in formula)
    if not isinstance(formula, dict):
        return "-" if formula is None else str(formula)
    numbers = ", ".join(f"{name}={_short(value)}" for name, value in formula.items() if name != "name")
    return f"{formula.get('name', '-')}({numbers})" if numbers else str(formula.get("name", "-"))


def _signed(value: float) -> str:
    from thalweg.cli.terminal import digits

    return f"+{digits(value)}" if value > 0 else digits(value)


def _say(screen: Console, text: str, first: str) -> None:
    """Print text that goes on below its beginning where the line is full."""
    from thalweg.exchange.tables.cells import shown

    clean = shown(text, 10 * len(text))
    width = max(screen.width, 40)
    body = textwrap.fill(clean, width, initial_indent=first, subsequent_indent=" " * len(first))
    screen.print(body, markup=False, soft_wrap=True)
