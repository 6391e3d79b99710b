"""Which statements at the top of a stranger's file are run: what makes something, not what trains, draws or asks."""

from __future__ import annotations

import ast
from collections.abc import Iterator

SETTINGS = frozenset(
    "seed manual_seed seterr set_default_dtype set_floatx set_random_seed set_seed set_printoptions "
    "filterwarnings simplefilter update insert append extend setdefault add".split()
)
"""Calls that stand alone and set how numbers are made, where modules are, or what a container holds."""
MAKERS = frozenset(
    "NewType OrderedDict Parameter Random RandomState SeedSequence TypeVar Variable abs arange array asarray "
    "astype copy deepcopy default_rng defaultdict deque device dict empty enumerate exp eye float float32 float64 "
    "full full_like getLogger int int32 int64 is_available items keys len linspace list log max min namedtuple "
    "normal ones ones_like partial rand randint randn range reshape round rule set sqrt standard_normal str sum "
    "tensor tuple uniform values zeros zeros_like zip".split()
)
"""Calls that make a value at once."""
REFUSED = frozenset("input exec eval exit quit breakpoint help urlretrieve urlopen system".split())
"""Calls that are never made, whoever needs what they return."""
_LIBRARIES = frozenset(("optax", "optim", "optimizers"))
"""Where optimizers come from: what is called there makes one."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Import = ast.Import | ast.ImportFrom
Block = ast.If | ast.Try | ast.With


def is_main(test: ast.expr) -> bool:
    """Whether a test is ``__name__ == "__main__"``."""
    return any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(test))


def holds_definitions(statement: ast.stmt) -> bool:
    """Whether functions, classes or imports stand in a block."""
    return any(isinstance(node, Definition | Import) for node in ast.walk(statement))


def made(statement: ast.stmt) -> set[str]:
    """Return the names that a statement binds, or whose contents it sets.

    Examples
    --------
    >>> sorted(made(ast.parse("m['w'], v = 0, 1").body[0]))
    ['m', 'v']
    """
    if isinstance(statement, Definition):
        return {statement.name}
    names = set()
    for node in ast.walk(statement):
        target: ast.expr | None = None
        if isinstance(node, ast.Name | ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            target = node
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SETTINGS:
            target = node.func.value
        while isinstance(target, ast.Subscript | ast.Attribute):
            target = target.value
        if isinstance(target, ast.Name):
            names.add(target.id)
    return names


def loaded(node: ast.AST) -> set[str]:
    """Return the names that are read in a part of the tree."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def needed(tree: ast.Module, wanted: str | None) -> set[str]:
    r"""Return the names that definitions read, and those that these are made of.

    Examples
    --------
    >>> text = "rate = start / 2\nstart = 1.0\nX = load()\ndef step(w, g): return w - rate * g"
    >>> sorted(needed(ast.parse(text), None) & {"rate", "start", "X"})
    ['rate', 'start']
    """
    found = {wanted} if wanted else set()
    for node in ast.walk(tree):
        if isinstance(node, Definition | ast.Lambda):
            found |= loaded(node)
    ways = [(made(node), loaded(node)) for node in tree.body if not isinstance(node, Definition)]
    before = -1
    while before != len(found):
        before = len(found)
        for makes, reads in ways:
            if makes & found:
                found |= reads
    return found


def factories(tree: ast.Module) -> set[str]:
    """Return the functions that make functions: to call them is how a closure comes to be."""
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(inner, ast.FunctionDef | ast.Lambda) for part in node.body for inner in ast.walk(part))
    }


def calls(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Return root and last name of all that is called: ``("np", "zeros")``."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            names = []
            part = call.func
            while isinstance(part, ast.Attribute):
                names.append(part.attr)
                part = part.value
            if isinstance(part, ast.Name):
                names.append(part.id)
            yield (names[-1] if isinstance(part, ast.Name) else "", names[0] if names else "")


def makes_at_once(node: ast.AST, quick: set[str]) -> bool:
    """Whether all calls in a statement make something: arrays, containers, objects, or what ``quick`` names."""
    return all(name in MAKERS or name in quick or _is_class(name) or _of_library(node, name) for _, name in calls(node))


def _is_class(name: str) -> bool:
    return name[:1].isupper() or (name[:1] == "_" and name[1:2].isupper())


def _of_library(node: ast.AST, name: str) -> bool:
    """Whether a call is such as ``optax.adam`` or ``torch.optim.SGD``."""
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and part.attr == name:
            above = part.value
            last = above.attr if isinstance(above, ast.Attribute) else above.id if isinstance(above, ast.Name) else ""
            if last in _LIBRARIES:
                return True
    return False
