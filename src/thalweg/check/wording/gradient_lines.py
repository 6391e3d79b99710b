"""The verdict on a gradient, as lines in a language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thalweg.check.wording.gradient_phrases import GradientPhrases
from thalweg.formulas.widths import wrapped

if TYPE_CHECKING:
    from thalweg.check.gradient_verdict import BlockVerdict, GradientVerdict, Kink

WIDTH = 80
BLOCKS, CAUSES, KINKS, RIGHT = 6, 3, 4, 12


def headline(verdict: GradientVerdict, say: GradientPhrases) -> str:
    """Return the verdict on a function and its gradient in one line."""
    if verdict.verdict == "right":
        return say.right_but_kinks if verdict.kinks else say.right
    if verdict.verdict != "wrong":
        return say.random if verdict.verdict == "random" else say.unknown
    if len(verdict.wrong_blocks) == len(verdict.blocks) > 1:
        return say.wrong_everywhere
    return say.wrong.format(names=few(verdict.wrong_blocks, say))


def few(names: tuple[str, ...], say: GradientPhrases, most: int = 4) -> str:
    """Return a list of names, cut where it is long."""
    return say.between.join([*names[:most], *(["..."] if len(names) > most else [])])


def evidence(verdict: GradientVerdict, say: GradientPhrases, looks: tuple[str, ...] = ()) -> list[str]:
    """Return what the verdict rests on, as lines of at most 80 cells.

    Parameters
    ----------
    verdict : GradientVerdict
    say : GradientPhrases
    looks : tuple of str
        Lines that stand between the causes and what is right: where to look.
    """
    out: list[str] = []
    wrong = [block for block in verdict.blocks if block.right is False]
    for block in wrong[:BLOCKS]:
        first, *further = wrong_block(block, say)
        out += _wrapped(first, "  ", "    ")
        for text in further:
            out += _wrapped(text, "    ", "      ")
    if len(wrong) > BLOCKS:
        out += _wrapped(say.more_blocks.format(count=len(wrong) - BLOCKS), "  ")
    for cause in verdict.causes[:CAUSES]:
        told = say.cause.format(title=say.sentence(cause.title), blocks=say.between.join(cause.blocks))
        out += _wrapped(told, "  ", "    ")
        if cause.evidence:
            out += _wrapped(say.sentence(cause.evidence), "    ", "      ")
        out += _wrapped(say.mend.format(mend=say.sentence(cause.mend)), "    ", "      ")
    if wrong and not verdict.causes:
        out += _wrapped(say.no_cause, "  ", "    ")
    out += looks
    right = [block for block in verdict.blocks if block.right]
    if wrong and right:
        out += _wrapped(say.right_blocks.format(blocks=say.between.join(b.name for b in right)), "  ", "    ")
    if not wrong:
        for block in verdict.blocks[:RIGHT]:
            out += _wrapped(right_block(block, say), "  ", "      ")
    for kink in verdict.kinks[:KINKS]:
        out += _wrapped(kink_told(kink, say), "  ", "    ")
    if len(verdict.kinks) > KINKS:
        out += _wrapped(say.more_kinks.format(count=len(verdict.kinks) - KINKS), "  ")
    for note in verdict.notes:
        out += _wrapped(say.note.format(note=say.sentence(note)), "  ", "    ")
    return out


def wrong_block(block: BlockVerdict, say: GradientPhrases) -> list[str]:
    """Return what is said of a wrong block: how much of it differs, and where most."""
    first = say.differ.format(
        name=block.name, shape=shape_told(block, say), differing=block.differing, tested=block.tested
    )
    if block.order is not None:
        first += say.remainder.format(order=block.order)
    out = [first]
    if block.returned_shape is not None:
        out.append(say.other_shape.format(came=block.returned_shape, shape=block.shape))
    if block.worst:
        numbers = {"given": block.given, "measured": block.measured, "bound": block.bound}
        out.append(say.worst.format(where=block.worst, **numbers))
    return out


def right_block(block: BlockVerdict, say: GradientPhrases) -> str:
    """Return what is said of a block that is right, or could not be measured."""
    if block.right is None:
        return say.not_measured.format(name=block.name)
    order = say.straight if block.order is None else say.falls.format(order=block.order)
    template = say.within_one if block.tested == 1 else say.within
    return template.format(name=block.name, tested=block.tested, bound=block.bound, order=order)


def shape_told(block: BlockVerdict, say: GradientPhrases) -> str:
    """Return the shape of a block in words."""
    return " x ".join(map(str, block.shape)) or say.a_number


def kink_told(kink: Kink, say: GradientPhrases) -> str:
    """Return what is said of a kink."""
    return say.kink.format(where=say.sentence(kink.where), left=kink.left, right=kink.right, given=kink.given)


def _wrapped(text: str, first: str, further: str | None = None) -> list[str]:
    return wrapped(text, WIDTH, first, further)
