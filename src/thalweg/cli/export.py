"""``thalweg export``: a model for other programs."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from thalweg.cli import options as o
from thalweg.errors import ModelFileError, StorageError, UsageError

if TYPE_CHECKING:
    from thalweg.exchange.models import TrainedModel

_SUFFIXES = {"onnx": ".onnx", "sklearn": ".skops", "torch": ".py"}


@click.command("export", cls=o.SectionedCommand, short_help="Write a model for other programs.")
@click.argument("model")
@o.choice("Output", "--to", list(_SUFFIXES), "For which program.")
@o.word("Output", "--output -o", "FILE", "Where to write.  [the model's name with another ending]")
@o.choice("Output", "--dtype", ["float64", "float32"], "Of the numbers in an ONNX graph.  [the model's]")
@o.OUTPUT
def export(model: str, **told: Any) -> None:
    """Write MODEL, a file of `thalweg train` or `thalweg.save`, for other programs; none of it needs thalweg.

    \b
    onnx     a graph that takes the columns of the table as they are
    sklearn  a pipeline of scikit-learn, in a file of skops
    torch    a Python file to import, and its weights as safetensors

    No pickle is written: opening one can run code. skops and safetensors cannot, and the Python file can be read
    before it is run.

    \b
    thalweg export model.thalweg --to onnx
    thalweg export model.thalweg --to sklearn -o prices.skops
    """  # noqa: D301 - what click reads is the character, not its name
    from thalweg.estimators.files import load
    from thalweg.estimators.intervals import IntervalRegressor
    from thalweg.exchange.models import TrainedModel
    from thalweg.exchange.tables.cells import shown

    to = told["to"]
    if to is None:
        raise UsageError("USAGE", "thalweg export", "--to is missing", f"One of {', '.join(_SUFFIXES)}.")
    if told["dtype"] and to != "onnx":
        raise UsageError("OPTION-DTYPE", "--dtype", f"is for ONNX; for {to} the numbers stay what they are")
    stem = re.sub(r"\W", "_", Path(model).stem) if to == "torch" else Path(model).stem  # a module is imported
    output = Path(told["output"] or f"{stem}{_SUFFIXES[to]}")
    _check_place(Path(model), output, [output, *([output.with_suffix(".safetensors")] if to == "torch" else [])])
    made = load(model)
    of_table = isinstance(made, TrainedModel)
    if isinstance(made, IntervalRegressor):
        what = f"holds {len(made.estimators_)} estimators, one for each quantile; a file of {to} holds one"
        hint = f"In Python: thalweg.load(path).estimators_[0].to_{to}() and so on."
        raise ModelFileError("MODEL-KIND", shown(model, 200), what, hint)
    lines = {"onnx": _onnx, "sklearn": _sklearn, "torch": _torch}[to](made, output, told["dtype"], of_table=of_table)
    for line in lines:
        click.echo(textwrap.fill(line, 80, subsequent_indent=" " * 8, break_long_words=False, break_on_hyphens=False))


def _check_place(model: Path, output: Path, written: list[Path]) -> None:
    """Refuse to write over the model, and over a file that was not named: a script of the user's, say."""
    for each in written:
        if each.resolve() == model.resolve():
            raise UsageError("OPTION-OUTPUT", "--output", f"{each} is the model itself")
        if each.exists() and not (o.was_told("output") and each == output):
            raise StorageError("FILE-WRITE", str(each), "is there already", "Remove it, or take another --output.")


def _onnx(made: Any, output: Path, dtype: str | None, *, of_table: bool) -> list[str]:
    from thalweg.exchange import onnx

    graph = made.to_onnx(dtype)
    onnx.write(output, graph)
    types = {1: "float32", 8: "text", 11: "float64"}
    inputs = [f"{each.name} ({types[each.type.tensor_type.elem_type]})" for each in graph.graph.input]
    shape = "each of shape (rows, 1)" if of_table else "of shape (rows, features)"
    told = "{name: column}" if of_table else '{"X": rows}'
    return [
        _wrote(output),
        f"in      {_some(inputs)}, {shape}",
        f"out     {_some([each.name for each in graph.graph.output])}",
        f'use     onnxruntime.InferenceSession("{output}").run(None, {told})',
    ]


def _sklearn(made: Any, output: Path, _: str | None, *, of_table: bool) -> list[str]:
    from thalweg.exchange import sklearn

    theirs = made.to_sklearn()
    trusted = sklearn.write(output, theirs)
    told = f", trusted={trusted}" if trusted else ""
    takes = f"a data frame with {_some(_columns(made))}" if of_table else "rows"
    return [
        _wrote(output),
        f"in      {takes}",
        f"holds   {type(theirs).__name__}",
        f'use     skops.io.load("{output}"{told}).predict(X)',
    ]


def _torch(made: Any, output: Path, _: str | None, *, of_table: bool) -> list[str]:
    from thalweg.exchange import torch

    if of_table:
        weights = torch.write(output, made)
    else:
        from thalweg.estimators.outputs import outputs_of

        several = bool(vars(made).get("_multilabel"))
        weights = torch.write_rows(output, made._model, made.theta_, outputs_of(made), several=several)
    row = "{column: cell}" if of_table else "[numbers]"
    return [
        _wrote(output),
        _wrote(weights),
        f"in      {_some(_columns(made)) if of_table else 'rows'}",
        f"use     from {output.stem} import predict; predict([{row}])",
    ]


def _columns(made: TrainedModel) -> list[str]:
    return list(made.preparation.kinds)


def _some(names: list[str]) -> str:
    """Return a few of the names."""
    from thalweg.exchange.tables.cells import shown

    few = ", ".join(shown(name) for name in names[:6])
    return few + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _wrote(path: Path) -> str:
    from thalweg.cli.terminal import size
    from thalweg.exchange.tables.cells import shown

    return f"wrote   {shown(str(path), 200)}, {size(path.stat().st_size)}"
