"""What the doctor says of an update rule, with the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, final

from thalweg.check.wording.effects import said_of
from thalweg.check.wording.english import ENGLISH

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
    arrays : tuple of int
        The parameter arrays in whose lines alone it stands, by their places from 1; empty where it stands in all.
    """

    code: str
    title: str
    explanation: str
    source: str
    found: str = ""
    right: str = ""
    arrays: tuple[int, ...] = ()


NOTICED = 5e-3  # a ratio of lengths that differs from 1 by less is not told


@final
@dataclass(frozen=True)
class Effect:
    """How long the steps are on a constant gradient, against those of the right rule.

    Parameters
    ----------
    gradient : float
        The gradient.
    ratios : tuple of (int, float)
        Steps, from 1, and how many times too long they are; empty where all are right, as where a mistake shows on
        changing gradients only.
    no_number_from : int or None
        Step from which the parameters are no numbers.

    Examples
    --------
    >>> Effect(0.5, ((1, 10.0), (10, 8.1)))
    Effect(gradient=0.5, ratios=((1, 10.0), (10, 8.1)), no_number_from=None)
    """

    gradient: float
    ratios: tuple[tuple[int, float], ...] = ()
    no_number_from: int | None = None


@final
@dataclass(frozen=True)
class InArray:
    """What one parameter array does, where arrays do not all do the same.

    Parameters
    ----------
    name : str
        What the code calls it; empty where it has no name.
    shape : tuple of int
    findings : tuple of str
        Codes of what stands in its lines.
    residual : float
        Largest relative difference between this explanation and its own path.
    """

    name: str
    shape: tuple[int, ...]
    findings: tuple[str, ...]
    residual: float


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
    effect : Effect or None
        Size of the effect of the mistakes, which :attr:`how_much` says.
    mapping : mapping
        The same method in the words of other libraries.
    properties : mapping
        What can be said of any rule: memory, scale invariance, sign symmetry and others.
    arrays : tuple of InArray
        Where the parameter arrays do not all do the same: what each of them does. Empty otherwise.
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
    effect: Effect | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, bool | None] = field(default_factory=dict)
    arrays: tuple[InArray, ...] = ()
    note: str = ""

    @property
    def how_much(self) -> str:
        """Size of the effect in English, such as "steps are 10.0 times too long at t = 1, 3.2 at t = 100"."""
        return "" if self.effect is None else said_of(self.effect, ENGLISH.effects)

    @property
    def codes(self) -> frozenset[str]:
        """Codes of all that was recognised."""
        return frozenset(f.code for f in (*self.conventions, *self.mistakes))

    def in_array(self, place: int, *, mistakes: bool = True) -> tuple[str, ...]:
        """Return the codes of what stands in the lines of one parameter array, by its place from 1; conventions first.

        Examples
        --------
        >>> slip = Finding("not-squared", "...", "...", "...", arrays=(2,))
        >>> said = Verdict("wrong", "adam", mistakes=(slip,))
        >>> said.in_array(1), said.in_array(2)
        ((), ('not-squared',))
        """
        found = (*self.conventions, *(self.mistakes if mistakes else ()))
        return tuple(one.code for one in found if not one.arrays or place in one.arrays)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; a residual that is not finite becomes None."""
        data = asdict(self)
        data["how_much"] = self.how_much
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
        parts = {name: value for name, value in data.items() if name != "how_much"}
        if parts["effect"] is not None:
            ratios = tuple((int(t), float(ratio)) for t, ratio in parts["effect"]["ratios"])
            parts["effect"] = Effect(**{**parts["effect"], "ratios": ratios})
        for which in ("conventions", "mistakes"):
            parts[which] = tuple(Finding(**{**finding, "arrays": tuple(finding["arrays"])}) for finding in parts[which])
        parts["equivalent"] = tuple(tuple(codes) for codes in parts["equivalent"])
        parts["arrays"] = tuple(
            InArray(one["name"], tuple(one["shape"]), tuple(one["findings"]), one["residual"])
            for one in parts["arrays"]
        )
        parts["residual"] = float("inf") if parts["residual"] is None else parts["residual"]
        if parts["runner_up"] is not None:
            up = parts["runner_up"]
            residual = float("inf") if up["residual"] is None else up["residual"]
            parts["runner_up"] = RunnerUp(up["rule"], tuple(up["findings"]), residual)
        return Verdict(**parts)
