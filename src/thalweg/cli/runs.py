"""``thalweg runs``: what comparisons have kept; to look at, to take elsewhere, to delete."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from thalweg.cli import options as o
from thalweg.errors import SettingError, StorageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table

    from thalweg.comparison.store import Held, Store

_PLACE = "thalweg-compare/runs.sqlite"
_SHORTEST = 8  # signs of a key that a list shows
_CSV = "comparison rule learning_rate seed status epochs steps".split()
_CSV += ["first_validation_loss", "last_validation_loss", "last_training_loss"]
_STORE = o.word("Store", "--store", "FILE", "Where the runs are; or the folder of a comparison.", _PLACE)


@click.group("runs", invoke_without_command=True, short_help="List, show, export and delete kept runs.")
@click.pass_context
def runs(ctx: click.Context) -> None:
    """List, show, export and delete the runs that comparisons have kept.

    `thalweg compare` keeps every run as it finishes, and makes none of them twice. KEY is the name of a comparison in
    the list; its beginning is enough.

    \b
    thalweg runs list
    thalweg runs show 3f2a
    thalweg runs export 3f2a --format csv --output runs.csv
    thalweg runs delete 3f2a
    """  # noqa: D301 - what click reads is the character, not its name
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@runs.command("list", cls=o.SectionedCommand, short_help="List the comparisons.")
@click.argument("place", metavar="[STORE]", required=False)
@_STORE
@o.OUTPUT
def list_(place: str | None, **told: Any) -> None:
    """List the comparisons in STORE, the latest first."""
    from thalweg.cli.terminal import console, row, table
    from thalweg.exchange.tables.cells import counted, shown

    if place is not None and o.was_told("store"):
        raise UsageError("USAGE", "thalweg runs list", "the store is named twice", "Name it once.")
    with _opened(place or told["store"]) as store:
        held = store.held()
    screen = console(no_color=told["no_color"])
    if not held:
        screen.print("No comparison is kept here.", markup=False)
        return
    width = _width(held)
    columns = (("key", "left"), ("begun (UTC)", "left"), ("table", "left"), ("target", "left"), ("model", "left"))
    listed = table(*columns, ("runs", "right"), wrap="table")
    for each in held:
        said = each.description
        words = [
            shown(str(said.get(name, "?")), limit) for name, limit in (("table", 60), ("target", 14), ("model", 18))
        ]
        listed.add_row(*row([each.key[:width], each.created[:16] or "?", *words, str(each.runs)]))
    screen.print(listed)
    total = sum(each.runs for each in held)
    line = f"\n{counted(len(held), 'comparison')}, {counted(total, 'run')}. One of them: thalweg runs show KEY"
    screen.print(line, markup=False)


@runs.command("show", cls=o.SectionedCommand, short_help="Show one comparison, rule by rule.")
@click.argument("key")
@_STORE
@o.OUTPUT
def show(key: str, **told: Any) -> None:
    """Show what was compared, and what the runs of each rule came to.

    This is no ranking: `thalweg compare` says what the runs allow to be said.
    """
    from thalweg.cli.terminal import console

    with _opened(told["store"]) as store:
        held = _find(store, key)
        there, confirmations = store.runs(held.key), store.confirmations(held.key)
    screen = console(no_color=told["no_color"])
    for line in _account(held):
        screen.print(line, markup=False)
    if there:
        screen.print()
        screen.print(_by_rule(there))
    kept = f"{len(there)} runs, {len(confirmations)} of chosen rates on the test part"
    screen.print(f"\n{kept}. Loss: on the validation part, median over seeds.", markup=False)


@runs.command("export", cls=o.SectionedCommand, short_help="Write runs to a file, or send them to a tracker.")
@click.argument("key", required=False)
@_STORE
@o.choice("Output", "--format", ["csv", "jsonl"], "csv: a line for each run; jsonl: all of each.  [csv]")
@o.choice("Output", "--to", ["mlflow", "tensorboard"], "Send them to a tracker instead.")
@o.word("Output", "--output", "PLACE", "The file; a tracker's folder or address. Standard output if left out.")
@o.OUTPUT
def export(key: str | None, **told: Any) -> None:
    """Write the runs of one comparison, or of all, in the order of rule, learning rate and seed.

    What differs from machine to machine, as the time that a run took, is left out: the same comparison gives the same
    bytes. A tracker gets no run twice.

    \b
    thalweg runs export 3f2a --format jsonl --output runs.jsonl
    thalweg runs export 3f2a --to mlflow --output http://localhost:5000
    """  # noqa: D301 - what click reads is the character, not its name
    from thalweg.exchange.files import atomic_write, check_writable

    where = "thalweg runs export"
    if told["to"] and told["format"]:
        raise UsageError("USAGE", where, "a tracker takes no --format", "Leave out --format or --to.")
    if told["to"] and not told["output"]:
        raise UsageError("USAGE", where, f"--to {told['to']} needs a place", "Name it with --output.")
    if told["to"]:
        _send(key, told)
        return
    if told["output"]:
        check_writable(told["output"])
    with _opened(told["store"]) as store:
        chosen = _chosen(store, key)
        content = _jsonl(store, chosen) if told["format"] == "jsonl" else _csv(store, chosen)
    if told["output"]:
        atomic_write(told["output"], content)
    else:
        click.echo(content, nl=False)


@runs.command("delete", cls=o.SectionedCommand, short_help="Delete a comparison with its runs.")
@click.argument("key")
@_STORE
@o.flag("Store", "--yes", "Do not ask.")
@o.OUTPUT
def delete(key: str, **told: Any) -> None:
    """Delete a comparison and all its runs. It asks first; where it cannot ask, it deletes nothing without --yes."""
    from thalweg.cli.terminal import note
    from thalweg.exchange.tables.cells import counted, shown

    with _opened(told["store"]) as store:
        held = _find(store, key)
        name = shown(str(held.description.get("table", "?")), 60)
        what = f"{held.key[:_SHORTEST]} ({name}, {counted(held.runs, 'run')})"
        if not told["yes"]:
            if not sys.stdin.isatty():
                raise UsageError("USAGE", "thalweg runs delete", f"nobody is there to ask about {what}", "Pass --yes.")
            if not click.confirm(f"Delete {what}?", err=True):
                note(["nothing is deleted"])
                return
        store.delete(held.key)
    note([f"deleted {what}"])


@runs.command("rescue", cls=o.SectionedCommand, short_help="Take what is whole from a damaged file.")
@click.argument("damaged", metavar="FILE")
@_STORE
@o.OUTPUT
def rescue(damaged: str, **told: Any) -> None:
    """Copy every comparison and run that is whole from FILE, a damaged store, to another; FILE is only read."""
    from thalweg.cli.terminal import note, warn
    from thalweg.comparison.store import Store
    from thalweg.exchange.tables.cells import counted, shown

    if Path(damaged).resolve() == Path(told["store"]).resolve():
        raise UsageError("USAGE", "thalweg runs rescue", "the two files are the same", "Name a new one with --store.")
    if not Path(damaged).exists():
        raise StorageError("STORE-MISSING", shown(damaged, 200), "there is no such file")
    with Store.open(told["store"], tell=lambda line: warn([line])) as store:
        comparisons, records = store.rescue(damaged)
    whole = f"{counted(comparisons, 'comparison')}, {counted(records, 'record')}"
    note([f"whole in {shown(damaged, 200)}: {whole}; now in {shown(told['store'], 200)}"])


# What the commands share


@contextmanager
def _opened(place: str) -> Iterator[Store]:
    """Open a store, be it named by its file or by the folder that a comparison left."""
    from thalweg.cli.terminal import warn
    from thalweg.comparison.store import Store

    within = Path(place, Path(_PLACE).name)
    with Store.open(within if within.is_file() else place, new=False, tell=lambda line: warn([line])) as store:
        yield store


def _find(store: Store, key: str) -> Held:
    """Return the one comparison whose key begins so."""
    from thalweg.exchange.tables.cells import shown

    held = store.held()
    found = [each for each in held if each.key == key] or [each for each in held if each.key.startswith(key)]
    if len(found) == 1:
        return found[0]
    width = _width(held)
    named = ", ".join(each.key[:width] for each in (found or held)[:5]) + ", ..." * (len(found or held) > 5)
    if found:
        what = f"{shown(key)!r} is the beginning of {len(found)} comparisons: {named}"
        raise SettingError("SETTING-KEY", "KEY", what, "Give more of it.")
    what = f"no comparison begins with {shown(key)!r}"
    raise SettingError("SETTING-KEY", "KEY", what, f"There are: {named}." if held else "There is none in this store.")


def _chosen(store: Store, key: str | None) -> list[Held]:
    """Return one comparison, or all from the first on."""
    return [_find(store, key)] if key is not None else sorted(store.held(), key=lambda each: (each.created, each.key))


def _width(held: Sequence[Held]) -> int:
    """Return how many signs tell the keys apart."""
    keys = {each.key for each in held}
    width = _SHORTEST
    while len({key[:width] for key in keys}) < len(keys):
        width += 1
    return width


# To look at


def _account(held: Held) -> list[str]:
    from thalweg.exchange.tables.cells import shown

    said = held.description
    rows = said.get("rows", {})
    wholes = said.get("wholes", {})  # with batches of their own
    batch = "" if wholes else f", {_batches(said)}"
    order = [name for name in ("train", "validation", "test") if name in rows]
    lines = [
        f"key      {held.key}",
        f"begun    {held.created or '?'} UTC",
        f"table    {shown(str(said.get('table', '?')), 60)}, predicting {shown(str(said.get('target', '?')), 40)}",
        f"model    {shown(str(said.get('model', '?')), 40)}, loss {shown(str(said.get('loss', '?')), 40)}",
        f"rows     {', '.join(f'{name} {rows[name]}' for name in order) or '?'}",
        f"budget   {said.get('epochs', '?')} epochs{batch}",
        f"command  {shown(str(said.get('command', '?')), 500)}",
    ]
    for name, whole in wholes.items():
        told = f"{whole.get('rule', '?')}, {whole.get('model', '?')}, {_batches(whole)}"
        lines.append(f"arm      {shown(name, 40)}: {shown(told, 80)}")
    return lines if said else [*lines[:2], "its description is damaged; its runs are what they are"]


def _batches(said: dict[str, Any]) -> str:
    return "full batch" if said.get("batch_size") is None else f"batches of {said['batch_size']}"


def _by_rule(there: Sequence[dict[str, Any]]) -> Table:
    """Return a line for each rule: its rates, its runs, and the rate with the lowest median of last losses."""
    import statistics

    from thalweg.cli.terminal import digits, row, table
    from thalweg.exchange.tables.cells import shown

    rules: dict[str, dict[float | None, list[float]]] = {}
    for each in there:
        run = each["run"]
        rules.setdefault(run["rule"], {}).setdefault(run["learning_rate"], []).append(_last(each))
    columns = ["rates", "from", "to", "runs", "diverged", "lowest loss", "at rate"]
    listed = table(("rule", "left"), *((name, "right") for name in columns), wrap="rule")
    for name, rates in rules.items():
        losses = [loss for of_rate in rates.values() for loss in of_rate]
        medians = {rate: statistics.median(of_rate) for rate, of_rate in rates.items()}
        best = min(medians, key=lambda rate: medians[rate])
        tried = [rate for rate in rates if rate is not None]
        ends = [f"{tried[0]:g}", f"{tried[-1]:g}"] if tried else ["-", "-"]
        at = "-" if best is None or math.isinf(medians[best]) else f"{best:g}"
        diverged = str(sum(map(math.isinf, losses)))
        listed.add_row(
            *row([shown(name, 60), str(len(rates)), *ends, str(len(losses)), diverged, digits(medians[best], 4), at])
        )
    return listed


def _last(run: dict[str, Any]) -> float:
    """Return the last loss on the validation part, infinite where the run diverged."""
    last = float(run["validation_losses"][-1])
    return last if run["record"]["status"] != "diverged" and math.isfinite(last) else math.inf


# To take elsewhere


def _csv(store: Store, chosen: Sequence[Held]) -> bytes:
    from thalweg.cli.predict import label_text

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV)
    for held in chosen:
        for each in store.runs(held.key):
            run, record, losses = each["run"], each["record"], each["validation_losses"]
            rate = "" if run["learning_rate"] is None else repr(run["learning_rate"])
            start = [label_text(held.key), label_text(run["rule"]), rate, run["seed"], record["status"]]
            trained = repr(record["loss_curve"][-1]) if record["loss_curve"] else ""
            writer.writerow([*start, record["epochs"], record["steps"], repr(losses[0]), repr(losses[-1]), trained])
    return text.getvalue().encode()


def _jsonl(store: Store, chosen: Sequence[Held]) -> bytes:
    """Return a line for each comparison, each of its runs and each of its confirmations."""
    from thalweg.descent.record import plain

    lines: list[dict[str, Any]] = []
    for held in chosen:
        lines.append({"comparison": held.description, "key": held.key})
        for run in store.runs(held.key):
            record = {name: value for name, value in run["record"].items() if name not in ("seconds", "machine")}
            lines.append({**run, "record": record})
        for each in store.confirmations(held.key):
            del each["seconds"]
            lines.append({"confirmation": each})
    return "".join(f"{json.dumps(plain(line), sort_keys=True, allow_nan=False)}\n" for line in lines).encode()


def _send(key: str | None, told: dict[str, Any]) -> None:
    from thalweg.cli.terminal import note, progress
    from thalweg.exchange.tables.cells import counted, shown
    from thalweg.exchange.trackers import tracker

    receiver = tracker(told["to"], told["output"])
    with _opened(told["store"]) as store:
        chosen = _chosen(store, key)
        sent, there = 0, 0
        with progress(sum(each.runs for each in chosen), told["to"], no_color=told["no_color"]) as look:
            for held in chosen:
                for run in store.runs(held.key):
                    new = receiver.send(held.key, held.description, run)
                    sent, there = sent + new, there + (not new)
                    look(sent + there, "")
    kept = f"; {counted(there, 'run')} had been sent before" if there else ""
    note([f"sent {counted(sent, 'run')} to {shown(told['output'], 200)}{kept}"])
