"""Which layouts of parameters to try on a piece of code, the likeliest first by what its text does with them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from thalweg.check.subjects import words
from thalweg.check.subjects.anatomy import Anatomy, Use
from thalweg.check.subjects.arrangements import (
    COLUMN,
    FLAT,
    PAIR,
    PAIR_OF_COLUMNS,
    TWO_LAYERS,
    Arrangement,
    Each,
    Items,
    Keyed,
    Nested,
    Number,
    One,
    Separate,
    SeparateNumbers,
    Shapes,
    Whole,
)  # fmt: skip
from thalweg.check.subjects.objects import Cells, Layers, Variables
from thalweg.check.subjects.signature import PAIRS, Signature

_PLURAL = ("params", "parameters", "weights", "grads", "gradients", "variables", "vars", "layers", "thetas", "参数")


def shapes_for(count: int) -> Shapes:
    """Return shapes of so many arrays that hold 24 numbers together."""
    known: dict[int, Shapes] = {
        1: FLAT, 2: PAIR, 3: ((4, 3), (4,), (8,)), 4: TWO_LAYERS,
        6: ((2, 3), (2, 1), (2, 2), (2, 1), (3, 2), (4, 1)),
    }  # fmt: skip
    if count in known:
        return known[count]
    each, rest = divmod(24, min(count, 24))
    return tuple((each + (k < rest),) for k in range(min(count, 24)))


def layouts(step: Signature, others: Iterable[Signature] = ()) -> Iterator[Arrangement]:
    """Yield the layouts to try.

    Parameters
    ----------
    step : Signature
        Of what is called at every step.
    others : iterable of Signature
        The constructor, and other methods of the same class.
    """
    signatures = [step, *others]
    seen: list[Arrangement] = []
    for layout in (*_evident(signatures), *_usual(signatures)):
        if layout not in seen:
            seen.append(layout)
            yield layout


def first_of_each(step: Signature, others: Iterable[Signature] = ()) -> Iterator[Arrangement]:
    """Yield the likeliest layout of each kind, of the kinds in which names play no part."""
    seen: set[type[Arrangement]] = set()
    for layout in layouts(step, others):
        if isinstance(layout, Whole | Number | Items | Keyed) and type(layout) not in seen:
            seen.add(type(layout))
            yield layout


def _evident(signatures: list[Signature]) -> Iterator[Arrangement]:
    """Yield the layouts that the text speaks for."""
    step = signatures[0]
    uses = _uses(signatures)
    anatomies = [s.anatomy for s in signatures]
    if any(s.has(words.LAYER) for s in signatures):
        names = {a.name.lower() for s in signatures for a in s.having(words.LAYER)}
        order = (
            ["model", "list", ""]
            if names & {"model", "net", "network", "nn", "mlp", "module"}
            else ["", "list", "model"]
        )
        order = ["list", "model", ""] if names & {"layers"} else order
        yield from (Layers(together=together) for together in order)
    parts = [a for a in step.having(words.PARAMETERS) if a.part is not None]
    if parts:
        own = tuple(a.name for a in parts)
        yield Separate(shapes_for(len(parts)), own)
        if len(parts) == 2:
            yield Separate(PAIR_OF_COLUMNS, own)
        yield SeparateNumbers(count=len(parts))
    if step.has(words.KEY):
        yield from (Each(PAIR, names) for names in (("W", "b"), (0, 1), ("W1", "b1")))
    if any("params" in anatomy.strings for anatomy in anatomies):
        yield Variables(PAIR, grouped=True)
    if any("grad" in use.attributes or "data" in use.attributes for use in uses):
        yield Variables(PAIR)
        yield Cells()
        yield Variables(FLAT, alone=True)
    if any(use.keys or use.made_keys or use.mapped for use in uses):
        yield from _keyed(uses, anatomies)
    if any(use.walked or use.indexed for use in uses) or step.has(PAIRS):
        yield from _lists(anatomies)
        yield from _keyed(uses, anatomies)
    plural = any(
        a.name.lower() in _PLURAL for s in signatures for a in (*s.having(words.PARAMETERS), *s.having(words.GRADIENTS))
    )
    if plural:
        yield Items(PAIR)
        yield from _keyed(uses, anatomies)


def _usual(signatures: list[Signature]) -> Iterator[Arrangement]:
    """Yield every layout."""
    uses, anatomies = _uses(signatures), [s.anatomy for s in signatures]
    yield Whole(FLAT)
    yield Whole(COLUMN)
    yield Number()
    yield from _lists(anatomies)
    yield One()
    yield from _keyed(uses, anatomies)
    yield Keyed(((),) * 24, tuple(f"w{k}" for k in range(24)))
    yield Variables(PAIR)
    yield Cells()
    yield Variables(FLAT, alone=True)
    yield Nested(outer=(0, 1), inner=("W", "b"))
    yield Nested(outer=("layer1", "layer2"), inner=("W", "b"))
    yield from (Layers(together=together) for together in ("", "list", "model"))
    yield Whole(((4, 6),))


def _lists(anatomies: list[Anatomy]) -> Iterator[Arrangement]:
    strings = {text for anatomy in anatomies for text in anatomy.strings}
    if "dW" in strings and not strings & {"b", "db"}:  # layers without bias
        yield Nested(((4, 3), (4, 3)), outer=(0, 1), inner=("W",))
    yield Items(PAIR)
    yield Items(TWO_LAYERS)
    yield Items(PAIR, tuple)
    yield Nested(outer=(0, 1), inner=(0, 1))
    yield Nested(outer=(0, 1), inner=("W", "b"))
    yield Nested(outer=(0, 1), inner=("W", "b"), slopes="d")
    yield Items(((1,),) * 24, numbers=True)


def _uses(signatures: list[Signature]) -> list[Use]:
    """Return what the text does with parameters and gradients, as arguments and as attributes."""
    found = []
    for signature in signatures:
        names = [a.name for a in signature.arguments if a.role in (words.PARAMETERS, words.GRADIENTS)]
        found += [signature.anatomy.use(name) for name in names]
        found += [
            use for name, use in signature.anatomy.all().items()
            if name.startswith("self.") and words.role_of(name[5:]) in (words.PARAMETERS, words.GRADIENTS)
        ]  # fmt: skip
    return found


def _is_parameter(key: str) -> bool:
    """Whether a key names a parameter: among keys, b1 is a bias."""
    return words.role_of(key) == words.PARAMETERS or re.fullmatch(r"[WwBb]_?\d+", key) is not None


def _keyed(uses: list[Use], anatomies: list[Anatomy]) -> Iterator[Arrangement]:
    """Yield dictionaries with the keys that the text names, then with the usual ones."""
    strings = {text for anatomy in anatomies for text in anatomy.strings}
    named = list(dict.fromkeys(k for use in uses for k in use.keys if _is_parameter(k) or f"d{k}" in strings))
    prefixes = list(dict.fromkeys(
        p for use in uses for p in use.prefixes if p and (words.role_of(p) == words.PARAMETERS)
    ))  # fmt: skip
    sets: list[tuple[str, ...]] = []
    if named and len(named) <= 12:
        sets.append(tuple(named))
    if 0 < len(prefixes) <= 2:
        for first in (1, 0):
            count = 4 if len(prefixes) == 1 else 2
            sets.append(tuple(f"{p}{k}" for k in range(first, first + count) for p in prefixes))
    sets += [("W1", "b1", "W2", "b2"), ("w", "b"), ("W", "b"), ("W0", "b0", "W1", "b1")]
    marked = any(text.startswith(("d", "vd", "sd", "md")) and len(text) <= 5 for text in strings)
    slopes = ("d", "", "grad_", "{}_grad") if marked else ("", "d", "grad_", "{}_grad")
    for slope in slopes:
        for names in dict.fromkeys(sets):
            yield Keyed(shapes_for(len(names)), names, slope)
