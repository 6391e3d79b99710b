"""The text in which an update is a function: its own lines where they were, and nothing else that would run."""

from __future__ import annotations

import ast
import re
from typing import final

from thalweg.check.subjects import words
from thalweg.check.subjects.inline.flow import SELF, leaves, reads_of
from thalweg.check.subjects.inline.reading import Reading
from thalweg.check.subjects.inline.surroundings import Surroundings
from thalweg.check.subjects.subject import CannotRun

COUNTER = "step_count"
BATCHES = 10
"""How many batches an epoch has, where the update reads the number of the epoch."""
FUNCTION = "lifted_update"
Block = ast.For | ast.While | ast.FunctionDef


@final
class FunctionText:
    """The text in which an update is a function."""

    def __init__(
        self, text: str, tree: ast.Module, chain: tuple[ast.stmt, ...], reading: Reading, around: Surroundings
    ) -> None:
        self.lines, self.chain, self.reading, self.around = text.split("\n"), chain, reading, around
        self.block = chain[-1]
        assert isinstance(self.block, Block)  # noqa: S101 - what is lifted is a block
        self.inserted: list[tuple[str, str]] = []
        self.roles: list[tuple[str, str, int | None]] = []
        self.out = [""] * len(self.lines)
        self._keep_module(tree)
        for node in chain[:-1]:
            self._head(node, "if True:")
        self._body(self.block.body)
        self._define()
        self.text = "\n".join(self.out)

    def _keep_module(self, tree: ast.Module) -> None:
        outer = self.chain[0]
        self.of_module: set[str] = set()
        for node in tree.body:
            definition = isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom)
            if node is not outer and (node.lineno < outer.lineno or definition):
                first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
                self._copy(first, node.end_lineno or node.lineno)
                self.of_module |= frozenset().union(*(leaf.writes for leaf in leaves([node])))

    def _copy(self, first: int, last: int) -> None:
        self.out[first - 1 : last] = self.lines[first - 1 : last]

    def _head(self, node: ast.stmt, text: str) -> None:
        self.out[node.lineno - 1] = " " * node.col_offset + text

    def _indent(self, node: ast.stmt) -> str:
        line = self.lines[node.lineno - 1]
        return line[: len(line) - len(line.lstrip())]

    # The body

    def _body(self, body: list[ast.stmt]) -> None:
        kept = [leaf for leaf in leaves(body) if any(leaf.node is one.node for one in self.reading.kept)]
        self.kept_nodes = {leaf.node for leaf in kept} | {block for leaf in kept for block in leaf.within}
        self._block(body, outermost=True)
        self._edit()

    def _block(self, body: list[ast.stmt], *, outermost: bool = False) -> None:
        rows: dict[int, list[ast.stmt]] = {}
        for node in body:
            rows.setdefault(node.lineno, []).append(node)
        for line, nodes in rows.items():
            kept = [node for node in nodes if node in self.kept_nodes]
            if not kept:
                continue
            if len(kept) < len(nodes):  # several statements in one line
                source = "\n".join(self.lines)
                parts = [ast.get_source_segment(source, node) or "" for node in kept]
                if any("\n" in part for part in parts) or any(cut[0].node in kept for cut in self.reading.cuts):
                    raise CannotRun("several statements stand in one line", line)
                self.out[line - 1] = self._indent(nodes[0]) + "; ".join(parts)
                continue
            for node in kept:
                self._copy(node.lineno, node.end_lineno or node.lineno)
                self._prune(node)
                self._widen(node)
        if not outermost and not any(node in self.kept_nodes for node in body):
            self._head(body[0], "pass")

    def _prune(self, node: ast.stmt) -> None:
        """Leave out of a block what belongs to no update."""
        for field in ("body", "orelse", "finalbody"):
            inner = getattr(node, field, None)
            if not isinstance(inner, list) or not inner or inner[0].lineno == node.lineno:
                continue
            for part in inner:
                for line in range(part.lineno, (part.end_lineno or part.lineno) + 1):
                    self.out[line - 1] = ""
            self._block(inner)

    def _widen(self, node: ast.stmt) -> None:
        """Let a loop over a fixed number of parameters go over as many as there are."""
        if len(self.reading.parameters) > 1 or not isinstance(node, ast.For):
            return
        match node.iter:
            case ast.Call(ast.Name("range"), [ast.Constant(int() as count)], []):
                name = self.reading.parameters[0]
                made = self.around.values.get(name, [])
                if made and isinstance(made[0], ast.List) and len(made[0].elts) == count:
                    old = ast.get_source_segment("\n".join(self.lines), node.iter) or ""
                    new = f"range(len({_plain(name)}))"
                    at = node.lineno - 1
                    self.out[at] = self.out[at].replace(old, new, 1)
                    self.inserted.append((new, old))

    def _edit(self) -> None:
        """Put the name of a gradient where it was reckoned, and plain names for attributes."""
        source = "\n".join(self.lines)
        for _, cut, name in self.reading.cuts:
            node = cut.node
            if node.lineno != node.end_lineno:
                raise CannotRun("the gradient is reckoned over several lines", node.lineno)
            own = f"(-{name})" if name in self.reading.negative else name
            parts = [ast.get_source_segment(source, factor) or "" for _, factor in cut.factors]
            signs = [op for op, _ in cut.factors]
            wrapped = [p if isinstance(f, ast.Name | ast.Constant | ast.Attribute) else f"({p})"
                       for p, (_, f) in zip(parts, cut.factors, strict=True)]  # fmt: skip
            new = " * ".join([w for w, s in zip(wrapped, signs, strict=True) if s == "*"] + [own])
            new += "".join(f" / {w}" for w, s in zip(wrapped, signs, strict=True) if s == "/")
            old = ast.get_source_segment(source, node) or ""
            row = self.out[node.lineno - 1].encode()  # columns of a syntax tree are counted in bytes
            start, stop = node.col_offset, node.end_col_offset or 0
            if row[start:stop].decode(errors="replace") != old:
                raise CannotRun("several gradients are reckoned in one line", node.lineno)
            self.out[node.lineno - 1] = (row[:start] + new.encode() + row[stop:]).decode()
            self.inserted.append((_plain(new), old))
        for k, line in enumerate(self.out):
            if self.block.lineno <= k + 1 <= (self.block.end_lineno or 0):
                self.out[k] = re.sub(rf"\b{SELF}\.(?=\w)", f"{SELF}_", line)

    # The function

    def _define(self) -> None:
        reading, block = self.reading, self.block
        assert isinstance(block, Block)  # noqa: S101 - what is lifted is a block
        several = len(reading.parameters) > 1
        self.roles = [(_plain(n), words.PARAMETERS, k if several else None) for k, n in enumerate(reading.parameters)]
        self.roles += [(_plain(n), words.GRADIENTS, k if several else None) for k, n in enumerate(reading.slopes)]
        self.roles += [(_plain(n), words.MEMORY, reading.parts.get(n)) for n in reading.memory]
        arguments = [name for name, _, _ in self.roles]
        top = len(self.chain) == 1 or not any(isinstance(n, ast.FunctionDef | ast.ClassDef) for n in self.chain)
        before = [
            f"{_plain(n)} = -{_plain(n)}" for n in reading.slopes if n in reading.negative and "gradient_" not in n
        ]
        if reading.counters:
            arguments.append(COUNTER)
            self.roles.append((COUNTER, words.COUNT, None))
            self._count_as_written()
            before += [f"{_plain(n)} = {self._count(n, start)}" for n, start in reading.counters.items()]
        defaults, unread = [], self.around.unread(words.RATE)
        for name, given in reading.numbers.items():
            value = self._layers(name) or given
            if top and value is not None and name in self.of_module - unread and name not in self.targets_of_rows():
                continue  # the module has it
            role = words.role_of(name.removeprefix(f"{SELF}."))
            if value is None:
                arguments.append(_plain(name))
            else:
                defaults.append(f"{_plain(name)}={value!r}")
            self.roles.append((_plain(name), role or "", None))
        self._start(before)
        self._head(block, f"def {FUNCTION}({', '.join([*arguments, *defaults])}):")
        source = "\n".join(self.lines)
        asked = [ast.get_source_segment(source, one) or "" for one in reading.asked]
        if any("\n" in one for one in asked):
            raise CannotRun("the gradient is reckoned over several lines", reading.asked[0].lineno)
        self.returned = [*(_plain(n) for n in [*reading.parameters, *reading.memory]), *(_plain(one) for one in asked)]
        given_back = ", ".join(self.returned)
        first = block.body[0]
        indent = self._indent(first) if first.lineno != block.lineno else " " * (block.col_offset + 4)
        last = block.end_lineno or block.lineno
        made = f"{indent}return {given_back}"
        if last < len(self.out) and not self.out[last].strip():
            self.out[last] = made
        else:
            self.out.insert(last, made)

    def _count(self, name: str, start: float) -> str:
        """Return what a counter is at an update; in a loop over epochs around that over batches, ten make one."""
        outer = [node for node in self.chain[:-1] if isinstance(node, ast.For) and name in reads_of(node.target)]
        if outer and self._is_power(name):
            return f"({COUNTER} - 1) // {BATCHES}{start:+g}".removesuffix("+0")
        if self._begins_anew(name):
            return f"({COUNTER} - 1) % {BATCHES}{start:+g}".removesuffix("+0")
        return f"{COUNTER}{start - 1:+g}".removesuffix("+0")

    def _begins_anew(self, name: str) -> bool:
        """Whether every epoch begins a counter anew, and not the memory."""
        for node in self.chain[:-1]:
            if isinstance(node, ast.For | ast.While):
                inner = set(ast.walk(self.block))
                begun = frozenset().union(*(leaf.writes for leaf in leaves(node.body) if leaf.node not in inner))
                if name in begun and not begun & set(self.reading.memory):
                    return True
        return False

    def _is_power(self, name: str) -> bool:
        """Whether something is raised to a name, as betas are in corrections."""
        for leaf in self.reading.kept:
            for part in ast.walk(leaf.node):
                if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Pow) and name in reads_of(part.right):
                    return True
                if isinstance(part, ast.Call) and len(part.args) == 2 and name in reads_of(part.args[1]):
                    called = part.func.attr if isinstance(part.func, ast.Attribute) else getattr(part.func, "id", "")
                    if called in ("pow", "power"):
                        return True
        return False

    def _count_as_written(self) -> None:
        """Note how the author would write the number of the update: by what the loop counts with."""
        name, start = next(iter(self.reading.counters.items()))
        if any(isinstance(node, ast.For) and name in reads_of(node.target) for node in self.chain):
            self.inserted.append((COUNTER, name if start == 1 else f"({name} {1 - start:+g})".replace("+", "+ ")))

    def _layers(self, name: str) -> float | None:
        """Return what a number of layers must be for those that are played, two, where one is counted to."""
        for node in self.kept_nodes:
            if isinstance(node, ast.For) and isinstance(node.iter, ast.Call) and name in reads_of(node.iter):
                match node.iter.args:
                    case [ast.Name(bound)] if bound == name:
                        return 2
                    case [ast.Constant(1), ast.Name(bound)] if bound == name:
                        return 3
        return None

    def targets_of_rows(self) -> set[str]:
        """Return the numbers that count rows: gradients are divided already."""
        return {name for name, value in self.reading.numbers.items() if self.around.kind(name) == "rows" and value == 1}

    def _start(self, before: list[str]) -> None:
        """Put statements in front of the body."""
        if not before:
            return
        assert isinstance(self.block, Block)  # noqa: S101 - what is lifted is a block
        body = self.block.body
        text = "; ".join(before)
        free = next((node for node in body if node not in self.kept_nodes and node.lineno != self.block.lineno), None)
        first = next(node for node in body if node in self.kept_nodes)
        if free is not None and free.lineno < first.lineno and not self.out[free.lineno - 1].strip():
            self.out[free.lineno - 1] = self._indent(free) + text
        elif isinstance(first, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Expr):
            indent = self._indent(first)
            self.out[first.lineno - 1] = f"{indent}{text}; {self.out[first.lineno - 1].lstrip()}"
            self.inserted.append((f"{text}; ", ""))
        else:
            raise CannotRun("there is no room for what the update begins with", first.lineno)


def _plain(name: str) -> str:
    return name.replace(f"{SELF}.", f"{SELF}_")
