"""A verdict in sentences: its headline, and what it rests on."""

from __future__ import annotations

from thalweg.check.verdict import Finding, Verdict
from thalweg.check.wording.effects import said_of
from thalweg.check.wording.phrases import Phrases
from thalweg.errors import shown

LIBRARIES = {"torch": "PyTorch", "keras": "Keras", "optax": "Optax", "sklearn": "scikit-learn"}


def headline(phrases: Phrases, name: str, file: str, verdict: Verdict) -> str:
    """Return the verdict on a piece of code in one line; up to the colon stands what kind it is.

    Examples
    --------
    >>> from thalweg.check.wording.english import ENGLISH
    >>> headline(ENGLISH, "step", "adam.py", Verdict("right", "adam"))
    'right: step in adam.py is adam'
    """
    template = {
        "right": phrases.right,
        "same": phrases.same,
        "wrong": phrases.wrong if len(verdict.mistakes) == 1 else phrases.wrong_more,
        "unknown": phrases.unknown,
        "cannot_run": phrases.cannot_run,
    }[verdict.kind]
    reason = phrases.sentence(shown(verdict.note, 200))
    return template.format(name=name, file=file, rule=verdict.rule, count=len(verdict.mistakes), reason=reason)


def title(phrases: Phrases, verdict: Verdict, finding: Finding) -> str:
    """Return what was found in a few words, with the parameter arrays that alone have it.

    Examples
    --------
    >>> from thalweg.check.verdict import InArray
    >>> from thalweg.check.wording.english import ENGLISH
    >>> slip = Finding("not-squared", "the gradient is not squared", "...", "...", arrays=(2,))
    >>> said = Verdict("wrong", "adam", mistakes=(slip,), arrays=(InArray("W", (4, 5), (), 0.0),) * 2)
    >>> title(ENGLISH, said, slip)
    'the gradient is not squared, only in W'
    """
    plain = phrases.title(finding.code, finding.title)
    if not finding.arrays:
        return plain
    named = (_array(phrases, verdict, place) for place in finding.arrays)
    return phrases.only_in.format(title=plain, arrays=phrases.and_array.join(named))


def _array(phrases: Phrases, verdict: Verdict, place: int) -> str:
    """Return what a parameter array is called, by its place from 1."""
    name = verdict.arrays[place - 1].name if place <= len(verdict.arrays) else ""
    return shown(name, 40) if name else phrases.array.format(number=place)


def evidence(phrases: Phrases, verdict: Verdict, steps: int) -> list[tuple[str, str]]:
    """Return label and text of each piece of evidence; a label that is empty goes on with the one before.

    Parameters
    ----------
    phrases : Phrases
    verdict : Verdict
    steps : int
        Of the tape on which it was found.

    Examples
    --------
    >>> from thalweg.check.wording.english import ENGLISH
    >>> said = Verdict("wrong", "adam", parts_at=1, residual=0.0)
    >>> evidence(ENGLISH, said, 24)[0]
    ('parts', 'from the right rule at step 1 of 24')
    """
    rows: list[tuple[str, str]] = []
    if verdict.effect is not None:
        rows.append((phrases.effect, said_of(verdict.effect, phrases.effects)))
    if verdict.parts_at is not None:
        rows.append((phrases.parts, phrases.parts_at.format(step=verdict.parts_at, steps=steps)))
    if verdict.numbers:
        rows.append((phrases.numbers, ", ".join(f"{name} = {value:.8g}" for name, value in verdict.numbers.items())))
    for k, (library, call) in enumerate(verdict.mapping.items()):
        label = phrases.mended if verdict.kind == "wrong" else phrases.elsewhere
        code, mark, comment = call.partition("  # ")
        rows.append(("" if k else label, f"{LIBRARIES.get(library, library)}: {code}{mark}{phrases.sentence(comment)}"))
    if verdict.equivalent:
        rows.append((phrases.alike, "; ".join(" + ".join(codes) for codes in verdict.equivalent)))
    if verdict.kind == "unknown":
        rows += _properties(phrases, verdict)
    else:
        rows.append((phrases.residual, phrases.residual_of.format(value=_small(verdict.residual))))
    for place, one in enumerate(verdict.arrays, 1):
        name, rule = _array(phrases, verdict, place), " + ".join((verdict.rule or "", *one.findings))
        text = phrases.in_array.format(array=name, rule=rule, value=_small(one.residual))
        rows.append((phrases.arrays if place == 1 else "", text))
    if verdict.runner_up is not None:
        up = verdict.runner_up
        name = " + ".join((up.rule, *up.findings))
        rows.append((phrases.next_best, phrases.next_best_of.format(rule=name, value=_small(up.residual))))
    if verdict.note:
        rows.append((phrases.note, phrases.sentence(shown(verdict.note, 400))))
    return rows


def _properties(phrases: Phrases, verdict: Verdict) -> list[tuple[str, str]]:
    has = [phrases.properties[name][0] for name, value in verdict.properties.items() if value is True]
    lacks = [phrases.properties[name][1] for name, value in verdict.properties.items() if value is False]
    return [
        (label, phrases.between.join(said)) for label, said in ((phrases.has, has), (phrases.has_not, lacks)) if said
    ]


def _small(value: float) -> str:
    """Return a residual: 0 or its size."""
    return "0" if value == 0 else f"{value:.2g}"
