"""Which rule is it, with which numbers, conventions and mistakes: the search for the shortest explanation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np

from thalweg.check.by_array import Divided, divided, path_by_array
from thalweg.check.candidates import Candidates
from thalweg.check.catalogue.entries import entries, fitting
from thalweg.check.catalogue.textbook import names, textbook
from thalweg.check.catalogue.variation import Variation
from thalweg.check.effect import effect, finding
from thalweg.check.hypothesis import Hypothesis, combined
from thalweg.check.mapping import elsewhere
from thalweg.check.numbers import Evidence, Fit
from thalweg.check.properties import properties
from thalweg.check.tape import Tape
from thalweg.check.trajectory import Trajectory, distance
from thalweg.check.verdict import InArray, Kind, RunnerUp, Verdict
from thalweg.errors import SettingError

FAMILIES = (
    ("gradient_descent", "momentum", "ema_momentum", "nesterov", "qhm", "aggmo"),
    ("adagrad", "ftrl"),
    ("rmsprop", "rmsprop_momentum", "rmsprop_centered", "rmsprop_centered_momentum"),
    ("adadelta",),
    ("adam", "adamw", "amsgrad", "adamax", "nadam", "radam", "adabelief", "yogi", "laprop", "ademamix", "adan"),
    ("signsgd", "signum", "lion", "rprop"),
)
"""Rules that are near to each other."""
OF_ONE_NAME = (FAMILIES[0], FAMILIES[2])
"""Those that go by each other's names: momentum in all its forms, RMSprop with a velocity, centred or not."""

BEAM = 14
"""How many pairs are tried with a third variation."""
FREED = 8
"""How many rules are looked at with other numbers than were said."""
NEAR = 4
"""How many rules are tried with three variations."""


def explain(
    trajectory: Trajectory,
    tape: Tape,
    known_numbers: Mapping[str, float] | None = None,
    hint: str | None = None,
    *,
    thorough: bool = True,
) -> Verdict:
    """Say which rule made a trajectory, and what is wrong with it.

    Parameters
    ----------
    trajectory : Trajectory
        What the code did on the tape.
    tape : Tape
        The gradients and rates that it was given.
    known_numbers : mapping, optional
        Hyperparameters by role (``learning_rate``, ``beta1``, ``epsilon``, ...); the others are looked for.
    hint : str, optional
        Rule that the code's name promises. Its explanations are tried first.
    thorough : bool
        Whether to go on, where nothing is found, to what takes the most time: three variations, and two of rules that
        are neither promised nor near.

    Returns
    -------
    Verdict
        The explanation with the fewest variations, conventions before mistakes; with its residual, what cannot be told
        from it, and the next best.

    Raises
    ------
    SettingError
        ``TAPE-SHAPE``: trajectory and tape are of different sizes. ``SETTING-UNKNOWN``: there is no rule of that name.

    Examples
    --------
    >>> from thalweg.check.tape import standard
    >>> def step(theta, g, state, t):
    ...     v = 0.9 * state + 0.1 * g
    ...     return theta - 0.01 * v, v
    >>> from thalweg.check.trajectory import play
    >>> path = play(step, standard().steady(), state=0.0)
    >>> explain(path, standard().steady(), {"learning_rate": 0.01, "momentum": 0.9}).rule
    'ema_momentum'
    """
    if trajectory.thetas.shape != (tape.steps + 1, tape.size):
        what = (
            f"a trajectory of shape {trajectory.thetas.shape} was not played on a tape of shape {tape.gradients.shape}"
        )
        raise SettingError("TAPE-SHAPE", "trajectory", what)
    if hint is not None and hint not in names():
        raise SettingError(
            "SETTING-UNKNOWN", "hint", f"unknown rule {hint[:40]!r}", f"There are: {', '.join(names())}."
        )
    search = Candidates(Evidence(trajectory, tape, dict(known_numbers or {})))
    levels = _levels(search, hint)
    levels = levels if thorough else levels[: 8 if hint else 4]
    if not np.any(trajectory.moves != 0):
        if hint is None:
            return Verdict("unknown", properties=properties(trajectory, tape), note="theta never moves")
        levels = levels[:3]  # one slip that stops all movement can be named; more would be a guess
    if not np.any(np.isfinite(trajectory.thetas[1])):
        if hint is None:
            return Verdict("unknown", properties=properties(trajectory, tape), note="theta is no number after a step")
        levels = levels[:3]
    for level in levels:
        held = level()
        if isinstance(held, Divided):
            return _divided(search, held)
        if held:
            return _verdict(search, held, hint)
    freed = _other_numbers(search, hint) if thorough else None
    return freed or _unknown(search, hint)


def _levels(search: Candidates, hint: str | None) -> list[Callable[[], list[Fit] | Divided | None]]:
    """Return the levels of the search in their order; each screens its hypotheses when it is called."""

    def plain(rules: Iterable[str]) -> list[Fit]:
        return search.level((Hypothesis(rule) for rule in rules), few=False)

    def single(rules: Iterable[str]) -> list[Fit]:
        made = (Hypothesis(rule, (entry.code,)) for rule in rules for entry in search.fitting(rule))
        return search.level(made, few=True)

    def pairs(rules: Iterable[str], *, hasty: bool = False) -> list[Fit]:
        made = (h for rule in rules for h in _pairs(search.fitting(rule, joined=True), rule))
        return search.level(made, few=True, hasty=hasty)

    everything = names()
    if hint is None:
        return [
            lambda: plain(everything), lambda: single(everything),
            lambda: divided(search, search.ranked()[:NEAR], search.ranked()[:NEAR]),
            lambda: pairs(search.ranked()[:NEAR]),
            lambda: _triples(search, None), lambda: pairs(search.ranked()[NEAR:], hasty=True),
        ]  # fmt: skip
    # A rule of the family that is right comes before a mistake in the one that was promised: where the rate happens to
    # be 1 - momentum, an average of gradients is also a heavy ball with its rate applied twice.
    # Not so a rule without memory where one was promised that has it: there the memory is what is missing.
    forgetful = tuple(rule for rule in _family(hint) if rule != hint and not textbook(rule).slots)
    family = tuple(rule for rule in _family(hint) if rule != hint and rule not in forgetful)
    others = tuple(rule for rule in everything if rule != hint and rule not in (*family, *forgetful))
    return [
        lambda: plain((hint,)), lambda: plain(family), lambda: single((hint,)), lambda: plain(forgetful),
        lambda: single((*forgetful, *family)), lambda: plain(others),
        lambda: divided(search, (hint, *family, *forgetful), (hint,)), lambda: pairs((hint,)),
        lambda: single(others), lambda: _triples(search, hint),
        lambda: pairs((*forgetful, *family), hasty=True), lambda: pairs(others, hasty=True),
    ]  # fmt: skip


def _family(rule: str) -> tuple[str, ...]:
    return next((family for family in FAMILIES if rule in family), (rule,))


def _pairs(fits: Iterable[Variation], rule: str) -> Iterable[Hypothesis]:
    codes = [entry.code for entry in fits]
    return (made for pair in combinations(codes, 2) if (made := combined(rule, pair)) is not None)


def _triples(search: Candidates, hint: str | None) -> list[Fit]:
    """Add a third variation to the pairs that come nearest."""
    near = search.nearest(len(search.tried))
    rules = search.ranked()[:NEAR] if hint is None else [hint]
    pairs = [fit.hypothesis for fit in near if len(fit.hypothesis.codes) == 2 and fit.hypothesis.rule in rules]
    first = [pair for pair in pairs if pair.rule == rules[0]][:BEAM]
    others = [pair for pair in pairs if pair.rule != rules[0]][:BEAM]
    made = (h for pair in (*first, *others) for h in pair.extended(search.fitting(pair.rule, joined=True)))
    return search.level(made, few=True)


def _other_numbers(search: Candidates, hint: str | None) -> Verdict | None:
    """Look for a right rule that uses other numbers than it was said to."""
    evidence = search.evidence
    if not evidence.known:
        return None
    rules = names() if hint is None else (hint, *(r for r in _family(hint) if r != hint))
    free = Candidates(Evidence(evidence.trajectory, evidence.tape, {}))
    plain = [Hypothesis(rule) for rule in rules]
    glances = free.evidence.glances(plain)
    held = free.level((plain[k] for k in sorted(range(len(plain)), key=glances.__getitem__)[:FREED]), few=False)
    if not held:
        right = (Hypothesis(r, (e.code,)) for r in rules for e in fitting(r) if e.kind == "convention")
        held = free.level(right, few=True)
    if not held:
        return None
    numbers = held[0].numbers
    other = {n: v for n, v in evidence.known.items() if n in numbers and abs(numbers[n] - v) > 1e-5 * abs(v)}
    note = "; ".join(f"{n} acts as {numbers[n]:.6g}, not {v:.6g}" for n, v in other.items())
    return _verdict(free, held, hint, kind="same", note=note)


def _verdict(
    search: Candidates, held: list[Fit], hint: str | None, kind: Kind | None = None, note: str = ""
) -> Verdict:
    """Put an explanation into words."""
    evidence, best = search.evidence, held[0]
    chosen = best.hypothesis
    found = {code: finding(chosen, code) for code in chosen.codes}
    mistakes = tuple(found[v.code] for v in chosen.variations if v.kind == "mistake")
    conventions = tuple(found[v.code] for v in chosen.variations if v.kind == "convention")
    form = any(v.form for v in chosen.variations)
    right = Hypothesis(chosen.rule, tuple(v.code for v in chosen.variations if v.kind == "convention"))
    parts_at = None
    if mistakes:
        path = right.trajectory(best.numbers, evidence.tape)
        parts_at = distance(path, evidence.trajectory, evidence.tolerance).parts_at
    cost = round(chosen.cost, 6)
    # With numbers of its own to choose a rule may come down to another one: that makes the two no less different.
    chosen_freely = len(evidence.split(chosen)[1])
    alike = tuple(
        (fit.hypothesis.rule, *fit.hypothesis.codes)
        for fit in held[1:]
        if round(fit.hypothesis.cost, 6) == cost and len(evidence.split(fit.hypothesis)[1]) <= chosen_freely
    )
    if hint == "nesterov" and chosen.rule == "momentum":
        note = "; ".join(part for part in (note, entries()["gradient-taken-ahead"].explanation) if part)
    elif hint not in (None, chosen.rule) and _strangers(hint, chosen.rule):
        note = "; ".join(part for part in (note, f"the name promises {hint}, what it does is {chosen.rule}") if part)
    return Verdict(
        kind=kind or ("wrong" if mistakes else "same" if form else "right"),
        rule=chosen.rule,
        numbers=dict(best.numbers),
        conventions=conventions,
        mistakes=mistakes,
        equivalent=alike,
        residual=best.residual,
        runner_up=_runner_up(search, held),
        parts_at=parts_at,
        effect=effect(chosen, right, best.numbers) if mistakes else None,
        mapping=elsewhere(right, best.numbers),
        properties=properties(evidence.trajectory, evidence.tape),
        note=note,
    )


def _divided(search: Candidates, found: Divided) -> Verdict:
    """Put an explanation array by array into words."""
    evidence = search.evidence
    told = {
        code: replace(finding(Hypothesis(found.rule, (code,)), code), arrays=where)
        for code, where in found.places.items()
    }
    mistakes = tuple(one for code, one in told.items() if found.is_mistake(code))
    conventions = tuple(one for code, one in told.items() if not found.is_mistake(code))
    right = [tuple(code for code in codes if not found.is_mistake(code)) for codes in found.codes]
    odd = next(k for k, codes in enumerate(found.codes) if codes != right[k]) if mistakes else 0
    parts_at = None
    if mistakes:
        path = path_by_array(found.rule, right, found.numbers, evidence.tape)
        parts_at = distance(path, evidence.trajectory, evidence.tolerance).parts_at
    form = any(entries()[one.code].form for one in conventions)
    wrong, without = Hypothesis(found.rule, found.codes[odd]), Hypothesis(found.rule, right[odd])
    parts = zip(evidence.tape.shapes, found.codes, found.residuals, strict=True)
    return Verdict(
        kind="wrong" if mistakes else "same" if form else "right",
        rule=found.rule,
        numbers=dict(found.numbers),
        conventions=conventions,
        mistakes=mistakes,
        equivalent=found.equivalent,
        residual=max(found.residuals),
        runner_up=_runner_up(search, []),
        parts_at=parts_at,
        effect=effect(wrong, without, found.numbers) if mistakes else None,
        mapping=elsewhere(Hypothesis(found.rule, tuple(one.code for one in conventions)), found.numbers),
        arrays=tuple(InArray("", shape, codes, residual) for shape, codes, residual in parts),
        properties=properties(evidence.trajectory, evidence.tape),
    )


def _strangers(promised: str | None, rule: str) -> bool:
    """Tell whether nobody would call a rule by this name: forms of momentum go by each other's, and RMSprop's do."""
    forgetful = promised is not None and bool(textbook(promised).slots) and not textbook(rule).slots
    return forgetful or not any({promised, rule} <= set(family) for family in OF_ONE_NAME)


def _unknown(search: Candidates, hint: str | None) -> Verdict:
    evidence = search.evidence
    note = "" if hint is None else f"it is not {hint} with up to three variations of the catalogue"
    return Verdict(
        "unknown",
        runner_up=_runner_up(search, []),
        properties=properties(evidence.trajectory, evidence.tape),
        note=note,
    )


def _runner_up(search: Candidates, held: list[Fit]) -> RunnerUp | None:
    """Return the nearest explanation that does not hold, measured over all steps."""
    known = {(fit.hypothesis.rule, frozenset(fit.hypothesis.codes)) for fit in held}
    for fit in search.nearest(len(known) + 8):
        hypothesis = fit.hypothesis
        if (hypothesis.rule, frozenset(hypothesis.codes)) in known:
            continue
        whole = search.evidence.fit(hypothesis, fit.numbers)
        if whole.residual > search.evidence.tolerance:
            return RunnerUp(hypothesis.rule, hypothesis.codes, whole.residual)
    return None


def titles(codes: Iterable[str]) -> list[str]:
    """Return the titles of entries of the catalogue.

    Examples
    --------
    >>> titles(["epsilon-inside-root"])
    ['epsilon is inside the root']
    """
    return [entries()[code].title for code in codes]
