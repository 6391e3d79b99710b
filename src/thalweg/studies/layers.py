"""Hidden layers as a caller tells them: sizes, and one activation and one dropout for all of them or for each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from thalweg.descent.models import per_layer
from thalweg.descent.settings import check_count
from thalweg.errors import SettingError
from thalweg.exchange.tables.cells import shown
from thalweg.formulas import catalog
from thalweg.formulas.formula import Activation
from thalweg.formulas.ranges import check_number


def hidden_layers(model: Any, where: str = "model") -> tuple[int, ...]:
    """Return the sizes of the hidden layers; none for a linear model.

    Parameters
    ----------
    model : str or iterable of int
        ``"linear"``, ``"mlp:64,32"``, or the sizes themselves.
    where : str
        What errors call it.

    Raises
    ------
    SettingError
        Anything else.

    Examples
    --------
    >>> hidden_layers("mlp:64,32"), hidden_layers("linear"), hidden_layers([8])
    ((64, 32), (), (8,))
    """
    if isinstance(model, str):
        return _named_layers(model, where)
    if not isinstance(model, Iterable):
        what = f"must be 'linear', 'mlp:64,32' or sizes of hidden layers, got {type(model).__name__} {model!r:.40}"
        raise SettingError("SETTING-TYPE", where, what)
    return tuple(check_count(where, size) for size in model)


def _named_layers(text: str, where: str) -> tuple[int, ...]:
    kind, colon, sizes = text.strip().partition(":")
    if kind == "linear" and not colon:
        return ()
    if kind != "mlp":
        guess = "; did you mean 'linear'?" if kind.startswith("l") else ""
        hint = "Write linear, or mlp: and the sizes of the hidden layers, as in mlp:64,32."
        raise SettingError("SETTING-UNKNOWN", where, f"unknown {shown(text)!r}{guess}", hint)
    pieces = [piece.strip() for piece in sizes.split(",")]
    wrong = [piece for piece in pieces if not piece.isdecimal() or not piece.isascii() or not int(piece)]
    if wrong:
        what = f"the sizes of hidden layers are integers >= 1, got {shown(wrong[0])!r}"
        raise SettingError("SETTING-TYPE", where, what, "Write it as in mlp:64,32.")
    return tuple(int(piece) for piece in pieces)


def activations_of(given: Any, layers: int, where: str = "activation") -> tuple[Activation, ...]:
    """Return the activation of each hidden layer, given one for all or one for each, by name or as itself."""
    return tuple(catalog.resolve("activation", one, where) for one in per_layer(where, given, layers))


def dropout_of(given: Any, layers: int, where: str = "dropout") -> tuple[float, ...]:
    """Return the dropout of each hidden layer, given one for all or one for each; nothing where none is dropped."""
    rates = tuple(float(check_number(where, rate, "[0, 1)")) for rate in per_layer(where, given, layers))
    return rates if any(rates) else ()
