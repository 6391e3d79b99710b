"""The diagnosis of a piece of code: what it is, what is wrong with it, and the two paths that show it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.by_array import path_by_array
from thalweg.check.mending import Mend, mends
from thalweg.check.search import explain
from thalweg.check.subjects import adapt
from thalweg.check.subjects.inline import Lifted, loaded_inside, subject_of
from thalweg.check.subjects.source import written
from thalweg.check.subjects.subject import CannotRun, Source, Subject
from thalweg.check.tape import Tape, standard
from thalweg.check.trajectory import Trajectory
from thalweg.check.verdict import Verdict

Array = NDArray[Any]


@final
@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What the doctor says of a piece of code, and what it rests on.

    Parameters
    ----------
    name : str
        What the code is called.
    verdict : Verdict
        The finding.
    source : Source or None
        The text of the code.
    mends : tuple of Mend
        Proven corrections of lines, in the order in which they apply.
    observed : Trajectory or None
        What the code did; None where it cannot run.
    expected : Trajectory or None
        What the rule does without the mistakes; None where the rule is not known.
    tape : Tape
        On which gradients, with which rates.
    """

    name: str
    verdict: Verdict
    source: Source | None
    mends: tuple[Mend, ...]
    observed: Trajectory | None
    expected: Trajectory | None
    tape: Tape

    @property
    def kind(self) -> str:
        """The verdict in one word."""
        return self.verdict.kind

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; numbers that are not finite are the strings "nan", "inf" and "-inf"."""
        tape = self.tape
        return {
            "name": self.name,
            "verdict": self.verdict.as_dict(),
            "source": self.source.as_dict() if self.source else None,
            "mends": [mend.as_dict() for mend in self.mends],
            "observed": _plain(self.observed.thetas) if self.observed else None,
            "expected": _plain(self.expected.thetas) if self.expected else None,
            "tape": {
                "theta0": _plain(tape.theta0),
                "gradients": _plain(tape.gradients),
                "rates": _plain(tape.rates),
                "shapes": [list(shape) for shape in tape.shapes],
            },
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Diagnosis:
        """Return what :meth:`as_dict` was made of."""
        parts = data["tape"]
        theta0, gradients, rates = (np.array(parts[k], dtype=np.float64) for k in ("theta0", "gradients", "rates"))
        return Diagnosis(
            name=data["name"],
            verdict=Verdict.from_dict(data["verdict"]),
            source=Source.from_dict(data["source"]) if data["source"] else None,
            mends=tuple(Mend.from_dict(mend) for mend in data["mends"]),
            observed=_path(data["observed"]),
            expected=_path(data["expected"]),
            tape=Tape(theta0, gradients, rates, tuple(tuple(shape) for shape in parts["shapes"])),
        )


def diagnose(
    update: Callable[..., Any] | object,
    *,
    rule: str | None = None,
    numbers: Mapping[str, float] | None = None,
    learning_rate_parameter: str | None = None,
) -> Diagnosis:
    """Say which update rule a piece of code is, and what is wrong with it.

    The code is called with a designed tape of gradients, and what it does to the parameters is compared with every
    rule, convention and mistake of the catalogue; where it is wrong, changed texts of it are run until one does what is
    right. All this happens in this process: for files of strangers use the command
    ``thalweg check``, which runs them in a limited process of their own.

    Parameters
    ----------
    update : callable or object
        A function over arrays, dictionaries, lists or numbers; a class or an object with a method such as ``step`` or
        ``update``; a function or class that trains a model with an update of its own inside; a rule of this library.
    rule : str, optional
        The rule that it is meant to be; read from its name and text when None.
    numbers : mapping, optional
        Hyperparameters by the names of our rules, where they cannot be read from the code.
    learning_rate_parameter : str, optional
        Which of its parameters or attributes is the learning rate, where the name does not say so.

    Returns
    -------
    Diagnosis
        With the verdict, the observed path and the path of the rule without mistakes.

    Raises
    ------
    SettingError
        ``SETTING-UNKNOWN``: there is no rule of that name.

    Examples
    --------
    >>> def step(w, g, lr=0.1):
    ...     return w + lr * g
    >>> told = diagnose(step)
    >>> told.kind, [finding.code for finding in told.verdict.mistakes]
    ('wrong', ['uphill'])
    """
    source = written(update)
    try:
        subject = adapt(
            update, rule=rule, numbers=numbers, learning_rate_parameter=learning_rate_parameter, source=source
        )
    except CannotRun as failure:
        name = getattr(update, "__name__", type(update).__name__)
        try:
            inside = loaded_inside(update, source)
            return (
                examine_inside(*inside, name, rule, numbers, learning_rate_parameter)
                if inside
                else cannot_run(name, failure, source)
            )
        except CannotRun as reason:
            return cannot_run(name, reason, source)
    return examine(subject)


def examine_inside(
    update: Lifted,
    function: Callable[..., Any],
    source: Source,
    name: str,
    rule: str | None = None,
    numbers: Mapping[str, float] | None = None,
    learning_rate_parameter: str | None = None,
) -> Diagnosis:
    """Return the diagnosis of an update that was lifted out of a loop or a method, in the lines of its author.

    Parameters
    ----------
    update : Lifted
    function : callable
        The function of its text, after that was run.
    source : Source
        The text of the author.
    name : str
    rule, numbers, learning_rate_parameter
        As :func:`diagnose` takes them.

    Raises
    ------
    CannotRun
        It does nothing that could be followed.
    """
    made = examine(
        subject_of(
            update,
            function,
            replace(source, text=update.text),
            rule=rule,
            numbers=numbers,
            learning_rate_parameter=learning_rate_parameter,
        )
    )
    mends = [
        replace(mend, found=update.as_written(mend.found), right=update.as_written(mend.right)) for mend in made.mends
    ]
    lines = source.text.split("\n")
    foreign = {
        mend.code
        for mend in mends
        if mend.found.split("\n") != lines[mend.line - source.first_line :][: mend.found.count("\n") + 1] and mend.found
    }  # lines that were put there to play it
    return replace(made, name=name, source=source, mends=tuple(mend for mend in mends if mend.code not in foreign))


def examine(subject: Subject) -> Diagnosis:
    """Return the diagnosis of a subject: of the ways to read it, the one with the simplest explanation."""
    failed: Diagnosis | None = None
    played: list[tuple[Subject, Tape, Trajectory]] = []
    for reading in subject.readings():
        tape = reading.tape()
        try:
            played.append((reading, tape, reading.play(tape)))
        except CannotRun as failure:
            failed = failed or cannot_run(reading.name, failure, reading.source)
    # A reading under which the first step is no number, or nothing ever moves, is one that nobody would choose.
    defined = [one for one in played if bool(np.isfinite(one[2].thetas[1]).any())] or played
    defined = [one for one in defined if bool(np.any(one[2].moves != 0))] or defined
    best: Diagnosis | None = None
    chosen = subject
    for reading, tape, observed in defined:
        made = _explained(reading, tape, observed)
        if made.verdict.kind == "unknown":
            others = (_explained(reading, other, observed) for other in reading.groupings())
            made = next((other for other in others if other.verdict.kind != "unknown"), made)
        if made.verdict.kind == "unknown" and made.verdict.properties.get("per_coordinate") is False:
            # Coordinates that are mixed up: a loop over them as if each were an array.
            single = _explained(reading, tape.shaped(*((),) * tape.size), observed)
            made = single if single.verdict.kind == "wrong" else made
        if made.verdict.kind == "unknown" and tape.moves_rate:
            made = _at_a_steady_rate(reading, tape) or made
        if best is None or _rank(made.verdict) < _rank(best.verdict):
            best, chosen = made, reading
        if best.verdict.kind in ("right", "same"):
            best = _kept_promise(best, reading, tape, observed)
            break
    found = best or failed
    if found is None:  # pragma: no cover - a subject has at least one reading
        raise AssertionError(subject.name)
    return replace(found, mends=mends(found.source, chosen, found.verdict, found.tape))


def _at_a_steady_rate(subject: Subject, tape: Tape) -> Diagnosis | None:
    """Return what is known of code while its rate does not change; None where that is nothing either.

    Some mistakes and forms go together in one way only, and a moving rate tells such ways apart.
    """
    steady = tape.steady()
    try:
        made = _explained(subject, steady, subject.play(steady), thorough=False)
    except CannotRun:
        return None
    if made.verdict.kind == "unknown":
        return None
    note = "so while the learning rate is constant; what it does when it changes is not known"
    said = "; ".join(part for part in (made.verdict.note, note) if part)
    return replace(made, verdict=replace(made.verdict, note=said))


def _kept_promise(made: Diagnosis, subject: Subject, tape: Tape, observed: Trajectory) -> Diagnosis:
    """Return what is wrong with plain gradient descent that has a number for momentum: one that has no effect."""
    plain = made.verdict.rule == "gradient_descent" and subject.hint in (None, "gradient_descent")
    if not plain or not subject.has_momentum:
        return made
    promised = _explained(replace(subject, hint="momentum"), tape, observed)
    return promised if promised.verdict.kind == "wrong" else made


def _explained(subject: Subject, tape: Tape, observed: Trajectory, *, thorough: bool = True) -> Diagnosis:
    verdict = subject.judged(explain(observed, tape, subject.numbers, subject.hint, thorough=thorough))
    if subject.note:
        verdict = replace(verdict, note="; ".join(part for part in (verdict.note, subject.note) if part))
    names = subject.arrays
    if verdict.arrays and len(names) == len(verdict.arrays):
        named = (replace(one, name=name) for one, name in zip(verdict.arrays, names, strict=True))
        verdict = replace(verdict, arrays=tuple(named))
    expected = None
    if verdict.rule is not None:
        right = [verdict.in_array(place, mistakes=False) for place in range(1, len(tape.shapes) + 1)]
        expected = path_by_array(verdict.rule, right, verdict.numbers, tape)
    return Diagnosis(subject.name, verdict, subject.source, (), observed, expected, tape)


def cannot_run(name: str, failure: CannotRun, source: Source | None) -> Diagnosis:
    """Return the diagnosis of code that cannot be played, with the line where it stands."""
    place = f"{source.where(failure.line)}: " if source and failure.line else ""
    verdict = Verdict("cannot_run", note=place + failure.reason)
    return Diagnosis(name, verdict, source, (), None, None, standard())


def _rank(verdict: Verdict) -> tuple[int, int]:
    """Return what is believed last: an unknown rule, many findings."""
    order = {"right": 0, "same": 0, "wrong": 1, "unknown": 2, "cannot_run": 3}[verdict.kind]
    return order, 2 * len(verdict.mistakes) + len(verdict.conventions)


def _plain(array: Array) -> Any:
    """Return nested lists in which numbers that JSON does not know are strings."""
    if array.ndim > 1:
        return [_plain(row) for row in array]
    return [float(x) if math.isfinite(x) else str(float(x)) for x in array]


def _path(data: Any) -> Trajectory | None:
    return None if data is None else Trajectory(np.array(data, dtype=np.float64))
