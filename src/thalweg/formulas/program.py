"""A checked formula laid out flat: what lowering, walks and fingerprints read."""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass, replace
from functools import cached_property


@dataclass(frozen=True)
class Statement:
    """One assignment of the flat program; ``coordinates`` tells whether the value is one per parameter."""

    name: str
    value: ast.expr
    coordinates: bool


@dataclass(frozen=True)
class Program:
    """A checked formula: helpers inlined, constants written as numbers, tuples taken apart."""

    name: str
    arguments: tuple[str, ...]
    scalars: tuple[str, ...]  # hyperparameters
    scalar_arguments: tuple[str, ...]
    statements: tuple[Statement, ...]
    outputs: tuple[ast.expr, ...]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides the result: signature, statements, inlined helpers and constants."""
        lines = [self.name, *self.arguments, "*", *self.scalars]
        lines += [f"{s.name} = {ast.unparse(s.value)}" for s in self.statements]
        lines += [ast.unparse(output) for output in self.outputs]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def only(self, *outputs: int, given: str = "") -> Program:
        """Keep the named outputs and the statements that they need; what ``given`` names is held by the caller."""
        kept = [self.outputs[k] for k in outputs]
        live = {n.id for output in kept for n in ast.walk(output) if isinstance(n, ast.Name)}
        statements = []
        for statement in reversed(self.statements):
            if statement.name in live and statement.name != given:
                live.discard(statement.name)
                live |= {n.id for n in ast.walk(statement.value) if isinstance(n, ast.Name)}
                statements.append(statement)
        return replace(self, statements=tuple(reversed(statements)), outputs=tuple(kept))

    def uses(self, name: str) -> bool:
        """Tell whether any statement or output reads ``name``."""
        parts = [*(s.value for s in self.statements), *self.outputs]
        return any(isinstance(n, ast.Name) and n.id == name for part in parts for n in ast.walk(part))
