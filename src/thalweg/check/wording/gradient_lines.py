"""The verdict on a gradient, as lines in a language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thalweg.check.wording.gradient_phrases import GradientPhrases
from thalweg.check.wording.widths import wrapped

if TYPE_CHECKING:
    from thalweg.check.gradient_verdict import BlockVerdict, GradientVerdict

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
        out += _wrong_block(block, say)
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
            out += _wrapped(_right_block(block, say), "  ", "      ")
    for kink in verdict.kinks[:KINKS]:
        where = say.sentence(kink.where)
        told = say.kink.format(where=where, left=kink.left, right=kink.right, given=kink.given)
        out += _wrapped(told, "  ", "    ")
    if len(verdict.kinks) > KINKS:
        out += _wrapped(say.more_kinks.format(count=len(verdict.kinks) - KINKS), "  ")
    for note in verdict.notes:
        out += _wrapped(say.note.format(note=say.sentence(note)), "  ", "    ")
    return out


def _wrong_block(block: BlockVerdict, say: GradientPhrases) -> list[str]:
    shape = " x ".join(map(str, block.shape)) or say.a_number
    first = say.differ.format(name=block.name, shape=shape, differing=block.differing, tested=block.tested)
    if block.order is not None:
        first += say.remainder.format(order=block.order)
    out = _wrapped(first, "  ", "    ")
    if block.returned_shape is not None:
        out += _wrapped(say.other_shape.format(came=block.returned_shape, shape=block.shape), "    ", "      ")
    if block.worst:
        numbers = {"given": block.given, "measured": block.measured, "bound": block.bound}
        out += _wrapped(say.worst.format(where=block.worst, **numbers), "    ", "      ")
    return out


def _right_block(block: BlockVerdict, say: GradientPhrases) -> str:
    if block.right is None:
        return say.not_measured.format(name=block.name)
    order = say.straight if block.order is None else say.falls.format(order=block.order)
    template = say.within_one if block.tested == 1 else say.within
    return template.format(name=block.name, tested=block.tested, bound=block.bound, order=order)


def _wrapped(text: str, first: str, further: str | None = None) -> list[str]:
    return wrapped(text, WIDTH, first, further)
