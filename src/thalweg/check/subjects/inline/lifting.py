"""Updates lifted out of a text: the same lines, under the same numbers, as the body of a function of their own."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

from thalweg.check.subjects import words
from thalweg.check.subjects.inline.elements import apart, at_index, counted
from thalweg.check.subjects.inline.flow import SELF
from thalweg.check.subjects.inline.function_text import Block, FunctionText
from thalweg.check.subjects.inline.passes import RATE_CHANGES
from thalweg.check.subjects.inline.reading import read
from thalweg.check.subjects.inline.surroundings import Surroundings
from thalweg.check.subjects.subject import CannotRun


@final
@dataclass(frozen=True)
class Lifted:
    """An update as a function of a text of its own.

    Parameters
    ----------
    name : str
        The function or method in which it stands: ``train``, ``Perceptron.fit``; empty for a loop of the module.
    line : int
        Where it begins.
    text : str
        The whole text with the update as the function ``lifted_update``; its lines are those of the author.
    roles : tuple of (str, str, int or None)
        The arguments of the function: names, their parts, and to which of several arrays each belongs.
    inserted : tuple of (str, str)
        What stands in the text in the place of something else, and what that was.
    hint : str or None
        The rule that is promised beside it.
    returned : tuple of str
        What the function returns: parameters, memory, and where the next gradients are asked for.
    ahead : int
        How many of these are points ahead of the parameters, at the end.
    sure : bool
        Whether the text shows that what the update is made of are gradients and not their negatives.
    """

    name: str
    line: int
    text: str
    roles: tuple[tuple[str, str, int | None], ...]
    inserted: tuple[tuple[str, str], ...]
    hint: str | None
    returned: tuple[str, ...]
    ahead: int = 0
    sure: bool = True

    def as_written(self, line: str) -> str:
        """Return a line of the text as its author would write it."""
        for new, old in self.inserted:
            line = line.replace(new, old)
        return re.sub(rf"\b{SELF}_(?=\w)", f"{SELF}.", line)


def lifted(text: str, name: str | None = None) -> tuple[Lifted, ...]:
    """Return the updates that stand inside loops and methods.

    Parameters
    ----------
    text : str
    name : str, optional
        The function, class or ``Class.method`` in which to look.

    Returns
    -------
    tuple of Lifted
        In the order of the text.

    Raises
    ------
    CannotRun
        There is one, and it cannot be followed, with the reason; and there is no other.
    """
    text, elements = apart(text)
    text, rows = counted(text)
    inserted = (*elements, *rows)
    tree = ast.parse(text)
    found: list[Lifted] = []
    taken: set[ast.stmt] = set()
    reason: CannotRun | None = None
    chains = [
        chain
        for chain in _chains(tree.body)
        if name is None or _called(chain) == name or _called(chain).startswith(f"{name}.")
    ]
    inner_first = sorted(chains, key=len, reverse=True)
    for lift in (
        _lift,
        _lift_walk,
    ):  # what walks through the arrays is read by itself where the loop around it cannot be
        for chain in inner_first:
            if any(one in taken for one in (*chain, *ast.walk(chain[-1]))):
                continue
            try:
                made = lift(text, tree, chain)
            except CannotRun as failure:
                reason = failure
                taken |= {chain[-1]} if failure.reason == RATE_CHANGES else set()
                continue
            if made is not None:
                taken.add(chain[-1])
                found.append(replace(made, inserted=(*made.inserted, *inserted)))
    if not found and reason is not None:
        raise reason
    return tuple(sorted(found, key=lambda one: one.line))


def _chains(body: list[ast.stmt], chain: tuple[ast.stmt, ...] = ()) -> Iterator[tuple[ast.stmt, ...]]:
    """Yield loops and functions, each with what it stands in."""
    for node in body:
        here = (*chain, node)
        if isinstance(node, Block):
            yield here
        yield from _chains(getattr(node, "body", []), here)


def _called(chain: tuple[ast.stmt, ...]) -> str:
    owners = [node.name for node in chain if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return ".".join(owners)


def _lift(text: str, tree: ast.Module, chain: tuple[ast.stmt, ...]) -> Lifted | None:
    block = chain[-1]
    around = Surroundings(tree, chain)
    given: list[str] = []
    if isinstance(block, ast.FunctionDef):
        if block.name == "__init__" or not isinstance(chain[-2] if len(chain) > 1 else None, ast.ClassDef):
            return None
        given = [a.arg for a in block.args.args[1:] if words.role_of(a.arg) == words.GRADIENTS]
    if isinstance(block, ast.For) and isinstance(block.target, ast.Name):
        written, old = at_index(text, block, block.target.id)
        if old:
            made = _lift_again(written, chain, drop=block.target.id)
            return made and replace(made, inserted=(*made.inserted, *old))
    return _lift_block(text, chain, around, given, list(_targets(chain, around)))


def _lift_again(text: str, chain: tuple[ast.stmt, ...], drop: str) -> Lifted | None:
    """Lift a loop over layers whose body is the update of one."""
    tree = ast.parse(text)
    again = next(one for one in _chains(tree.body) if [n.lineno for n in one] == [n.lineno for n in chain])
    around = Surroundings(tree, again)
    return _lift_block(text, again, around, [], [one for one in _targets(again, around) if one[0] != drop])


def _lift_walk(text: str, tree: ast.Module, chain: tuple[ast.stmt, ...]) -> Lifted | None:
    """Lift a loop that walks through parameters, gradients and memory together: ``for p, dp, mem in zip(...)``."""
    block = chain[-1]
    if not isinstance(block, ast.For) or not isinstance(block.target, ast.Tuple):
        return None
    names = [part.id for part in ast.walk(block.target) if isinstance(part, ast.Name)]
    given = [name for name in names if words.role_of(name) == words.GRADIENTS]
    return _lift_block(text, chain, Surroundings(tree, chain), given, []) if given else None


def _lift_block(
    text: str, chain: tuple[ast.stmt, ...], around: Surroundings, given: list[str], targets: list[tuple[str, float]]
) -> Lifted | None:
    block, tree = chain[-1], around.tree
    if not isinstance(block, Block):
        return None
    reading = read(block.body, around, targets, given)
    if reading is None:
        return None
    hints = [node.name for node in chain if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    hints += [ast.get_docstring(node) or "" for node in chain if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    hints += _comments(text, block)
    promised = [rule for rule in (words.promised(one.strip().partition("\n")[0]) for one in hints) if rule is not None]
    hint = next((rule for rule in promised if rule != "gradient_descent"), next(iter(promised), None))
    made = FunctionText(text, tree, chain, reading, around)
    name = _called(chain)
    returned = tuple(made.returned)
    return Lifted(
        name,
        block.lineno,
        made.text,
        tuple(made.roles),
        tuple(made.inserted),
        hint,
        returned,
        len(reading.asked),
        reading.sure,
    )


def _targets(chain: tuple[ast.stmt, ...], around: Surroundings) -> Iterator[tuple[str, float]]:
    """Yield what the loops count with, and where they begin."""
    for node in chain:
        if not isinstance(node, ast.For) or not isinstance(node.iter, ast.Call):
            continue
        called = node.iter.func.id if isinstance(node.iter.func, ast.Name) else ""
        target = node.target
        if called == "enumerate" and isinstance(target, ast.Tuple) and target.elts:
            target = target.elts[0]
            start: ast.expr | None = node.iter.args[1] if len(node.iter.args) > 1 else None
        elif called in ("range", "trange", "xrange", "tqdm"):
            inner = node.iter.args[0] if called == "tqdm" and node.iter.args else node.iter
            arguments = inner.args if isinstance(inner, ast.Call) else []
            start = arguments[0] if len(arguments) > 1 else None
        else:
            continue
        if isinstance(target, ast.Name):
            number = 0.0 if start is None else around._literal(start)
            if number is not None:
                yield target.id, number


def _comments(text: str, block: ast.stmt) -> list[str]:
    first, last = block.lineno, block.end_lineno or block.lineno
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, IndentationError):
        return []
    return [t.string for t in tokens if t.type == tokenize.COMMENT and first <= t.start[0] <= last]
