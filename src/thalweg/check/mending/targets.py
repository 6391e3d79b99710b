"""What a mended text has to do: the path of the explanation without the mistake, and the paths on the way to it.

A mistake that stands in several lines, or in the lines of several arrays, is mended one change at a time. Between the
two explanations stand those in which some of the textbook's lines are right already; and each array by itself may have
come as far as any of them.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import permutations, product
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.by_array import path_by_array
from thalweg.check.catalogue.edits import Statements
from thalweg.check.hypothesis import Hypothesis, played
from thalweg.check.tape import Tape
from thalweg.check.trajectory import Trajectory, differences

Array = NDArray[Any]
Progress = tuple[int, ...]
"""For each array how many of the textbook's differing lines are right, at least; all of them where it is done."""

MOST_BLOCKS = 6


@final
@dataclass(frozen=True, eq=False)
class Block:
    """Lines of the textbook that a mistake changes: those with it, and those without."""

    at: int
    wrong: Statements
    right: Statements


def blocks(wrong: Statements, right: Statements) -> list[Block]:
    """Return where two texts of the textbook differ, line by line where as many stand against as many."""
    a, b = [ast.unparse(s) for s in wrong], [ast.unparse(s) for s in right]
    found: list[Block] = []
    for tag, i, i_end, j, j_end in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        if i == i_end or j == j_end:
            found += [Block(k, [wrong[k]], []) for k in range(i, i_end)]
            found += [Block(i, [], [right[k]]) for k in range(j, j_end)]
        elif i_end - i == j_end - j:
            found += [Block(i + k, [wrong[i + k]], [right[j + k]]) for k in range(i_end - i)]
        else:
            found.append(Block(i, list(wrong[i:i_end]), list(right[j:j_end])))
    return found


def hypothesis(rule: str, codes: Sequence[str]) -> Hypothesis | None:
    """Return the rule with variations in the first order in which they go together."""
    made = (Hypothesis(rule, order) for order in permutations(codes))
    return next((h for h in made if h.statements is not None), None)


@final
class Target:
    """The paths between an explanation with a mistake and the one without it.

    Parameters
    ----------
    wrong, right : Hypothesis
        With the mistake, and without it.
    numbers : sequence of mapping
        Hyperparameters; several settings where the code with the mistake does not read all that the right one does.
    tape : Tape
    tolerance : float
        Largest relative difference of moves that counts as none.
    kept : mapping of int to Hypothesis
        What the parameter arrays do in which the mistake is not, by their places from 0: their paths are to stay.
    """

    def __init__(
        self,
        wrong: Hypothesis,
        right: Hypothesis,
        numbers: Sequence[Mapping[str, float]],
        tape: Tape,
        tolerance: float,
        kept: Mapping[int, Hypothesis] | None = None,
    ) -> None:
        self.wrong, self.right, self.tape, self.tolerance = wrong, right, tape, tolerance
        self.numbers, self.kept = numbers[0], dict(kept or {})
        old, new = wrong.statements or [], right.statements or []
        self.blocks = blocks(old, new)
        counts: list[int] = []
        paths: list[Array] = []
        for setting in numbers:
            for mixture in self._mixtures():
                text = self._mixed(old, mixture)
                scope = right.scope(setting, tape) | wrong.scope(setting, tape)
                try:
                    with np.errstate(all="ignore"):
                        path = np.diff(played(text, scope, tape), axis=0)
                except NameError:  # a line that reads what another one makes
                    continue
                paths.append(path)
                counts.append(sum(mixture))
        self.moves, self.counts = np.stack(paths), np.array(counts)
        self.full = len(self.blocks)
        self.parts = list(tape.slices())
        if self.kept:
            self.still = self.expected(tape).moves
            self.concerned = np.concatenate(
                [np.arange(own.start, own.stop) for k, own in enumerate(self.parts) if k not in self.kept]
            )

    def _mixtures(self) -> list[tuple[bool, ...]]:
        """Return which blocks are right: any of them, but a line that stands elsewhere is right or wrong as one."""
        texts = ["\n".join(ast.unparse(s) for s in (*block.wrong, *block.right)) for block in self.blocks]
        groups = list(dict.fromkeys(texts))
        if len(groups) > MOST_BLOCKS:
            return [(True,) * len(texts), (False,) * len(texts)]
        return [
            tuple(choice[groups.index(text)] for text in texts) for choice in product((True, False), repeat=len(groups))
        ]

    def _mixed(self, old: Statements, mixture: tuple[bool, ...]) -> Statements:
        text = list(old)
        for block, right in zip(reversed(self.blocks), reversed(mixture), strict=True):
            if right:
                text[block.at : block.at + len(block.wrong)] = block.right
        return text

    def expected(self, tape: Tape) -> Trajectory:
        """Return the path without the mistake on a tape of the same arrays."""
        codes = [self.kept.get(k, self.right).codes for k in range(len(self.parts))]
        return path_by_array(self.right.rule, codes, self.numbers, tape)

    @property
    def done(self) -> Progress:
        """The progress at which nothing is left to be mended."""
        return (self.full,) * len(self.parts)

    def first_difference(self) -> int:
        """Return the first step, from 1, at which right and wrong part."""
        a, b = self.moves[0], Trajectory(np.concatenate([np.zeros((1, self.tape.size)), self.moves[-1].cumsum(axis=0)]))
        differing = differences(a, b)
        apart = np.flatnonzero((differing[:, self.concerned] if self.kept else differing).max(axis=1) > self.tolerance)
        return int(apart[0]) + 1 if apart.size else self.tape.steps

    def progress(self, path: Trajectory) -> Progress | None:
        """Return how far each array of a path has come; None where one of them does something else."""
        with np.errstate(all="ignore"):
            apart = differences(self.moves[:, : path.steps], path).max(axis=1)
        found = []
        for k, own in enumerate(self.parts):
            if k in self.kept:
                if not self._stays(own, path):
                    return None
                found.append(self.full)
                continue
            fits = apart[:, own].max(axis=1) <= self.tolerance
            if not fits.any():
                return None
            counts = self.counts[fits]
            found.append(self.full if counts.max() == self.full else int(counts.min()))
        return tuple(found)

    def _stays(self, own: slice, path: Trajectory) -> bool:
        """Whether an array that is not to be mended does what it did."""
        part = path.at(np.arange(own.start, own.stop))
        return bool(differences(self.still[: path.steps, own], part).max() <= self.tolerance)

    def book_values(self, numbers: Mapping[str, float], step: int) -> list[dict[str, Any]]:
        """Return what each statement of the wrong explanation reads at a step, and after the last what is there."""
        scope = self.wrong.scope(numbers, self.tape)
        seen: dict[int, dict[str, Any]] = {}
        statements = self.wrong.statements or []
        noted: Statements = []
        for k in range(len(statements) + 1):
            noted += [ast.parse(f"note({k})").body[0], *statements[k : k + 1]]

        def note(k: int) -> None:
            seen[k] = {name: value for name, value in scope.items() if name != "__builtins__"}

        scope["note"] = note
        with np.errstate(all="ignore"):
            played(noted, scope, self.tape, step)
        return [seen[k] for k in sorted(seen)]
