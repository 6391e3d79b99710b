"""What the doctor says of an update rule, with the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, final

Kind = Literal["right", "same", "wrong", "unknown", "cannot_run"]


@final
@dataclass(frozen=True)
class Finding:
    """One mistake or convention that was recognised.

    Parameters
    ----------
    code : str
        Stable name of the entry in the catalogue.
    title : str
        The finding in a few words.
    explanation : str
        Two sentences: what it does, and why it matters.
    source : str
        Where it was seen, or the paper that has it so.
    found, right : str
        The line of the textbook's formula as it is in the code, and as the rule has it; empty where a line is missing.
    """

    code: str
    title: str
    explanation: str
    source: str
    found: str = ""
    right: str = ""


@final
@dataclass(frozen=True)
class RunnerUp:
    """The next best explanation, which the evidence speaks against."""

    rule: str
    findings: tuple[str, ...]
    residual: float


@final
@dataclass(frozen=True)
class Verdict:
    """What the doctor says.

    Parameters
    ----------
    kind : {"right", "same", "wrong", "unknown", "cannot_run"}
        ``same``: the right method in another form, with ``mapping`` to the usual numbers.
    rule : str or None
        Name of the rule it is, or was meant to be.
    numbers : mapping
        Its hyperparameters, known or found.
    conventions, mistakes : tuple of Finding
        What was recognised.
    equivalent : tuple of tuple of str
        Other sets of codes that do exactly the same and cannot be told apart.
    residual : float
        Largest relative difference between the explanation and what was observed.
    runner_up : RunnerUp or None
        The next best explanation.
    parts_at : int or None
        Step, from 1, at which the code parts from the right rule.
    how_much : str
        Size of the effect, such as "steps are 10.0 times too long at t = 1, 3.2 at t = 100".
    mapping : mapping
        The same method in the words of other libraries.
    properties : mapping
        What can be said of any rule: memory, scale invariance, sign symmetry and others.
    note : str
        What else a reader must know, such as a name that promises another rule, or why the code cannot run.

    Examples
    --------
    >>> Verdict("cannot_run", note="division by zero in line 3").as_dict()["kind"]
    'cannot_run'
    """

    kind: Kind
    rule: str | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    conventions: tuple[Finding, ...] = ()
    mistakes: tuple[Finding, ...] = ()
    equivalent: tuple[tuple[str, ...], ...] = ()
    residual: float = float("inf")
    runner_up: RunnerUp | None = None
    parts_at: int | None = None
    how_much: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, bool | None] = field(default_factory=dict)
    note: str = ""

    @property
    def codes(self) -> frozenset[str]:
        """Codes of all that was recognised."""
        return frozenset(f.code for f in (*self.conventions, *self.mistakes))

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; a residual that is not finite becomes None."""
        data = asdict(self)
        for place in (data, data["runner_up"] or {}):
            if "residual" in place and not abs(place["residual"]) < float("inf"):
                place["residual"] = None
        return data

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Verdict:
        """Return what :meth:`as_dict` was made of; a residual of None is inf.

        Examples
        --------
        >>> said = Verdict("wrong", "adam", mistakes=(Finding("uphill", "...", "...", "..."),), residual=0.0)
        >>> Verdict.from_dict(said.as_dict()) == said
        True
        """
        parts = dict(data)
        for which in ("conventions", "mistakes"):
            parts[which] = tuple(Finding(**finding) for finding in parts[which])
        parts["equivalent"] = tuple(tuple(codes) for codes in parts["equivalent"])
        parts["residual"] = float("inf") if parts["residual"] is None else parts["residual"]
        if parts["runner_up"] is not None:
            up = parts["runner_up"]
            residual = float("inf") if up["residual"] is None else up["residual"]
            parts["runner_up"] = RunnerUp(up["rule"], tuple(up["findings"]), residual)
        return Verdict(**parts)
