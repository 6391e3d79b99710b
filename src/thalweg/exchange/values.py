"""What settings and fitted models are made of, as plain data and back: a short list of kinds, and nothing that runs.

Numbers, text, lists, tuples and dictionaries are themselves; arrays of float64 and float32 go among the tensors of a
file, other arrays become lists with their type. A formula of this library is its name and its numbers. One of the
user's own is a name and a fingerprint: its text is code, so whoever reads the file has to bring the formula.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.errors import ModelFileError, SettingError
from thalweg.exchange.tables.cells import shown
from thalweg.formulas.formula import Formula

Array = NDArray[Any]
Formulas = Sequence[Formula]

#: Types of arrays that are written as lists: integers, truth values, halves, text, and objects that are one of these.
_LISTED = re.compile(r"[<>|][biu][1248]|[<>]f2|[<>]U\d{1,6}|\|O")
_TYPES = re.compile(rf"{_LISTED.pattern}|[<>]f[48]")
_LARGEST_TEXT = 1 << 30  # bytes of one array of text: a few characters of a file could ask for any number
_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")


def encode(value: Any, where: str, tensors: dict[str, Array] | None = None) -> Any:
    """Return a value as plain data.

    Parameters
    ----------
    value : object
        A setting, or an attribute of a fitted model.
    where : str
        Its name: of the tensor that it becomes, and for messages.
    tensors : dict, optional
        Takes the arrays of float64 and float32.

    Raises
    ------
    SettingError
        MODEL-VALUE: a function or another object that no file can hold.

    Examples
    --------
    >>> encode((1, float("inf"), {True: "yes"}), "x")
    {'tuple': [1, {'float': 'inf'}, {'dict': [[True, 'yes']]}]}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, list):
        return [encode(each, f"{where}.{k}", tensors) for k, each in enumerate(value)]
    if isinstance(value, tuple):
        return {"tuple": [encode(each, f"{where}.{k}", tensors) for k, each in enumerate(value)]}
    if isinstance(value, Mapping):
        pairs = enumerate(value.items())
        return {
            "dict": [[encode(key, where), encode(each, f"{where}.{k}", tensors)] for k, (key, each) in pairs],
        }
    if isinstance(value, Formula):
        return _encode_formula(value)
    if isinstance(value, np.ndarray):
        return _encode_array(value, where, tensors)
    if isinstance(value, np.dtype) and _TYPES.fullmatch(value.str):
        return {"dtype": value.str}
    if isinstance(value, np.random.SeedSequence):
        seeds = {**value.state, "spawn_key": list(value.state["spawn_key"])}
        return {"seeds": [[name, encode(each, where)] for name, each in seeds.items()]}
    if isinstance(value, np.random.Generator):
        return {"generator": "Generator", "state": encode(value.bit_generator.state, where)}
    if isinstance(value, np.random.RandomState):
        return {"generator": "RandomState", "state": encode(value.get_state(legacy=False), where)}
    what = f"is {_article(type(value).__name__)}; a model file holds numbers, text and formulas, no other objects"
    raise SettingError("MODEL-VALUE", where, what, "Set it to None or to a name before saving.")


def decode(data: Any, tensors: Mapping[str, Array], formulas: Formulas = ()) -> Any:
    """Take back what `encode` gave; nothing in it is run.

    Parameters
    ----------
    data : plain data
    tensors : mapping of str to ndarray
        The arrays of the file.
    formulas : sequence of Formula
        Those that are not of this library.

    Raises
    ------
    ValueError, KeyError, TypeError
        Anything else.
    ModelFileError
        MODEL-FORMULA: a formula of the user's own that is not among `formulas`, or is another one.
    """
    if data is None or isinstance(data, bool | int | float | str):
        return data
    if isinstance(data, list):
        return [decode(each, tensors, formulas) for each in data]
    kind = next((kind for kind in data if kind in _READERS), None)
    if kind is None:
        raise ValueError(f"an unknown kind of value: {', '.join(map(str, data))[:60]}")
    return _READERS[kind](data, tensors, formulas)


def _encode_formula(formula: Formula) -> dict[str, Any]:
    """Return kind, name and numbers; a fingerprint only of the user's own, so that ours may be written anew."""
    numbers = {name: encode(number, name) for name, number in formula.hyperparameters.items()}
    told = {"formula": formula.kind, "name": formula.name, "numbers": numbers}
    ours = _ours(formula.kind).get(formula.name)
    return told if ours is not None and ours.identity == formula.identity else {**told, "identity": formula.identity}


def _ours(kind: str) -> dict[str, Formula]:
    """Return the formulas of this library by name."""
    from thalweg.formulas import catalog

    listed: dict[str, Callable[[], dict[str, Any]]] = {
        "rule": catalog.rules,
        "loss": catalog.losses,
        "penalty": catalog.penalties,
        "activation": catalog.activations,
        "schedule": catalog.schedules,
    }
    return listed[kind]()


def _encode_array(value: Array, where: str, tensors: dict[str, Array] | None) -> dict[str, Any]:
    if value.dtype in (np.float64, np.float32) and tensors is not None:
        tensors[where] = value
        return {"tensor": where}
    if not _LISTED.fullmatch(value.dtype.str):
        raise SettingError("MODEL-VALUE", where, f"is an array of {value.dtype}, which a model file does not hold")
    return {"array": value.dtype.str, "shape": list(value.shape), "values": encode(value.ravel().tolist(), where)}


def _decode_formula(data: Mapping[str, Any], tensors: Mapping[str, Array], formulas: Formulas) -> Formula:
    kind, name = data["formula"], data["name"]
    numbers = {key: decode(value, tensors) for key, value in data["numbers"].items()}
    if "identity" not in data:
        if name not in _ours(kind):
            raise ValueError(f"there is no {kind} called {name}")
        return _ours(kind)[name](**numbers)
    brought = [formula for formula in formulas if (formula.kind, formula.name) == (kind, name)]
    same = next((formula for formula in brought if formula.identity == data["identity"]), None)
    if same is not None:
        return same(**numbers)
    where = f"the {shown(str(kind))} {shown(str(name))}"
    if brought:
        what = "is not the one that the model was trained with: it computes something else"
        raise ModelFileError("MODEL-FORMULA", where, what, "Bring the one that it was trained with.")
    hint = f"Bring it: thalweg.load(path, formulas=[{shown(str(name))}])."
    raise ModelFileError("MODEL-FORMULA", where, "is not of this library, and a model file holds no code", hint)


def _decode_array(data: Mapping[str, Any], tensors: Mapping[str, Array], formulas: Formulas) -> Array:
    values, shape = decode(data["values"], tensors, formulas), data["shape"]
    if not isinstance(data["array"], str) or not _LISTED.fullmatch(data["array"]):
        raise ValueError("an array of a type that is not written")
    dtype = np.dtype(data["array"])
    if not isinstance(values, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise TypeError("an array has a shape and values")
    if math.prod(shape) != len(values) or len(shape) > 8 or dtype.itemsize * len(values) > _LARGEST_TEXT:
        raise ValueError("the shape of an array does not fit its values")
    if dtype.kind == "O":
        found = np.empty(len(values), object)
        found[:] = values
    else:
        wanted: Any = {"b": bool, "U": str, "f": float}.get(dtype.kind, int)
        if not all(type(value) is wanted for value in values):
            raise TypeError(f"an array of {dtype} holds something else")
        found = np.array(values, dtype)
    return found.reshape(shape)


def _decode_seeds(data: Mapping[str, Any], tensors: Mapping[str, Array], formulas: Formulas) -> Any:
    told = {name: decode(value, tensors, formulas) for name, value in data["seeds"]}
    if not 4 <= told["pool_size"] <= 64:
        raise ValueError("a source of randomness has a pool of 4 numbers")
    return np.random.SeedSequence(**{**told, "spawn_key": tuple(told["spawn_key"])})


def _decode_generator(data: Mapping[str, Any], tensors: Mapping[str, Array], formulas: Formulas) -> Any:
    state = decode(data["state"], tensors, formulas)
    name = state["bit_generator"]
    if name not in _GENERATORS or data["generator"] not in {"Generator", "RandomState"}:
        raise ValueError(f"an unknown source of randomness: {shown(str(name))}")
    _check_positions(name, state)
    bits = getattr(np.random, name)(0)
    if data["generator"] == "Generator":
        bits.state = state
        return np.random.Generator(bits)
    legacy = np.random.RandomState(bits)
    legacy.set_state(state)
    return legacy


def _check_positions(name: str, state: Mapping[str, Any]) -> None:
    """Refuse a state that would have NumPy read beside its buffers, which it does not check by itself."""
    inner = state["state"]
    if name == "MT19937" and not (np.shape(inner["key"]) == (624,) and 0 <= inner["pos"] <= 624):
        raise ValueError("the state of a source of randomness is not sound")
    if name == "Philox" and not (np.shape(state["buffer"]) == (4,) and 0 <= state["buffer_pos"] <= 4):
        raise ValueError("the state of a source of randomness is not sound")


def _decode_float(data: Mapping[str, Any], tensors: Mapping[str, Array], formulas: Formulas) -> float:  # noqa: ARG001
    if data["float"] not in {"nan", "inf", "-inf"}:
        raise ValueError("a number that is not finite is nan, inf or -inf")
    return float(data["float"])


def _decode_dtype(data: Mapping[str, Any], tensors: Mapping[str, Array], formulas: Formulas) -> Any:  # noqa: ARG001
    if not _TYPES.fullmatch(data["dtype"]):
        raise ValueError("a type that is not written")
    return np.dtype(data["dtype"])


def _decode_dict(data: Mapping[str, Any], tensors: Mapping[str, Array], formulas: Formulas) -> dict[Any, Any]:
    return {decode(key, tensors): decode(value, tensors, formulas) for key, value in data["dict"]}


def _decode_tuple(data: Mapping[str, Any], tensors: Mapping[str, Array], formulas: Formulas) -> tuple[Any, ...]:
    return tuple(decode(each, tensors, formulas) for each in data["tuple"])


def _decode_tensor(data: Mapping[str, Any], tensors: Mapping[str, Array], formulas: Formulas) -> Array:  # noqa: ARG001
    return np.array(tensors[data["tensor"]])  # a copy: what is read from a file cannot be written to


_READERS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Array], Formulas], Any]] = {
    "float": _decode_float,
    "tuple": _decode_tuple,
    "dict": _decode_dict,
    "formula": _decode_formula,
    "tensor": _decode_tensor,
    "array": _decode_array,
    "dtype": _decode_dtype,
    "seeds": _decode_seeds,
    "generator": _decode_generator,
}


def _article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
