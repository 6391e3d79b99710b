"""Questions about optimizers: a rule of the textbook with one mistake of the catalogue, as a student would write it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from thalweg.check.catalogue.entries import entries, fitting
from thalweg.check.catalogue.textbook import names as all_rules
from thalweg.check.effect import effect, finding
from thalweg.check.hypothesis import Hypothesis
from thalweg.check.quiz.programs import NAMES, STYLES, UNWRITTEN, WIDTH, Program, Style, can_be_made, program
from thalweg.check.quiz.question import LETTERS, Question
from thalweg.check.search import explain
from thalweg.check.tape import standard
from thalweg.check.trajectory import Trajectory, distance

EASY = ("gradient_descent", "momentum", "adagrad", "rmsprop", "adam")
USUAL = (*EASY, "ema_momentum", "nesterov", "adadelta", "adamw", "adamax", "amsgrad")
APART = 1e-6
"""Residual from which two programs are said to do different things."""


def askable(rule: str) -> tuple[str, ...]:
    """Return the codes of a rule's mistakes that can be asked about, as far as can be told without playing them.

    Examples
    --------
    >>> "second-corrected-with-beta1" in askable("adam")
    True
    """
    mistakes = (entry.code for entry in fitting(rule) if entry.kind == "mistake" and not entry.some_arrays)
    return tuple(code for code in mistakes if code not in UNWRITTEN)


def rules_of(level: int) -> tuple[str, ...]:
    """Return the rules that a level asks about.

    Examples
    --------
    >>> rules_of(1)[-1]
    'adam'
    """
    if level < 3:
        return EASY if level == 1 else USUAL
    return tuple(rule for rule in all_rules() if askable(rule))


def of_optimizer(rng: random.Random, rule: str, code: str, level: int) -> Question | None:
    """Make a question of a rule and a mistake in it.

    Parameters
    ----------
    rng : random.Random
        Chooses how the program is written, and the other findings.
    rule, code : str
        Of the textbook, and of the catalogue.
    level : int
        1 writes it as the paper does.

    Returns
    -------
    Question or None
        None where nothing that the program does would show the mistake, or show it as another one.
    """
    styles: list[Style] = ["function"] if level == 1 else list(STYLES)
    names = ["paper"] if level == 1 else list(NAMES)
    ways = [(style, name) for style in styles for name in names]
    rng.shuffle(ways)
    if level == 1:  # some mistakes are those of counting, or of a loop
        ways += [("class", "paper"), ("dictionary", "paper")]
    wrong, right = Hypothesis(rule, (code,)), Hypothesis(rule)
    for style, name in ways:
        made, mended = program(wrong, style, name), program(right, style, name)
        if made is None or mended is None or max(map(len, made.lines + mended.lines)) > WIDTH:
            continue
        played = behaves(made, code)
        if played is None:
            return None
        choices = [code, *_others(rng, rule, code, made, played)]
        rng.shuffle(choices)
        size = effect(wrong, right, made.numbers)
        return Question("optimizer", rule, code, made.lines, mended.lines, tuple(choices), size)
    return None


def behaves(made: Program, code: str) -> Trajectory | None:
    """Play a program; return what it did where the doctor finds this mistake in it, and nothing else.

    A mistake that does not show on the tape, or does exactly what another rule does, is not asked about.
    """
    tape = made.fits(standard())
    try:
        played = made.play(tape)
    except ArithmeticError:
        return None
    verdict = explain(played, tape, made.numbers, made.rule)
    named = verdict.codes == {code} and verdict.rule == made.rule
    alike = verdict.kind == "wrong" and (made.rule, code) in verdict.equivalent
    return played if named or alike else None


def _others(rng: random.Random, rule: str, code: str, made: Program, played: Trajectory) -> list[str]:
    """Return findings that are plausible and not so: of the same lines first, then of the rule, then of any."""
    true = finding(Hypothesis(rule, (code,)), code)
    told, near = {entries()[code].title}, set(_targets(true.right + "\n" + true.found))
    of_rule = [other for other in askable(rule) if other != code]
    rng.shuffle(of_rule)
    of_rule.sort(key=lambda other: not near & set(_targets(finding(Hypothesis(rule, (other,)), other).found)))
    anyway = [other for other in (*askable("momentum"), *askable("rmsprop")) if other not in of_rule and other != code]
    rng.shuffle(anyway)
    chosen: list[str] = []
    for other in (*_mixed(of_rule), *anyway):
        if len(chosen) == len(LETTERS) - 1:
            break
        title = entries()[other].title
        if title in told or not can_be_made(other, made.style):
            continue
        if not (other in of_rule and _overlaps(rule, code, other, made, played)):
            told.add(title)
            chosen.append(other)
    return chosen


def _mixed(sorted_codes: Sequence[str]) -> Iterable[str]:
    """Put one from afar after two that are near, so that nearness does not give the answer away."""
    return (*sorted_codes[:2], *sorted_codes[-1:], *sorted_codes[2:-1])


def _targets(lines: str) -> list[str]:
    return [line.partition(" = ")[0] for line in lines.splitlines()]


def _overlaps(rule: str, code: str, other: str, made: Program, played: Trajectory) -> bool:
    """Whether another finding would be true as well, or a part of the truth: it does the same, or changes a line so."""
    mine, theirs = (finding(Hypothesis(rule, (one,)), one) for one in (code, other))
    if set(mine.found.splitlines()) & set(theirs.found.splitlines()):
        return True
    tape = made.fits(standard())
    path = Hypothesis(rule, (other,)).trajectory(made.numbers, tape)
    return distance(path, played).residual <= APART
