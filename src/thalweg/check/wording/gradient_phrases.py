"""The sentences of a gradient's diagnosis with their gaps. Every language fills in all, or is a type error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from thalweg.check.wording.sentences import Sentences
from thalweg.check.wording.shared import SharedWords


@final
@dataclass(frozen=True, kw_only=True)
class GradientPageWords:
    """What only the page of gradients says.

    Attributes
    ----------
    shared : SharedWords
        What pages of update rules say as well.
    marked, looked : str
        What the marks in the code mean: of lines that are mended, of lines to look at.
    causes, kinks : str
        Headings.
    remainder, remainder_about, step, as_it_should, rounding : str
        Heading of the pictures of the remainder, what they show, their axis, and the lines beside the remainder's.
    compared, compared_about, slope, gradient, the_same, other : str
        Of the pictures of gradient against slope: the axes; dots that agree, and dots that do not.
    block, block_falls, block_straight : str
        Heading of one picture: ``name``, ``shape``, ``order``.
    table : tuple of str
        Coordinate, gradient, slope, bound.
    more : str
        Under a table that is cut: ``count``.
    """

    shared: SharedWords
    marked: str
    looked: str
    causes: str
    kinks: str
    remainder: str
    remainder_about: str
    step: str
    as_it_should: str
    rounding: str
    compared: str
    compared_about: str
    slope: str
    gradient: str
    the_same: str
    other: str
    block: str
    block_falls: str
    block_straight: str
    table: tuple[str, str, str, str]
    more: str


@final
@dataclass(frozen=True, kw_only=True)
class GradientPhrases:
    """What is said of a gradient.

    Attributes
    ----------
    right, right_but_kinks, random, unknown, wrong, wrong_everywhere : str
        Headlines of a function and its gradient; ``names``.
    is_right, is_wrong, alone_right, alone_wrong, asks_cost, asks_which, asks_argument, cannot_run, cannot_examine : str
        Headlines of a gradient in a file; ``name``, ``file``, ``of``, ``blocks``, ``choices``, ``argument``,
        ``reason``, ``where``. Up to the colon they are the verdict.
    differ, remainder, a_number, other_shape, worst, more_blocks : str
        Of a wrong block.
    cause, mend, no_cause, right_blocks, also_right : str
        What explains it; what is right beside it.
    within_one, within, straight, falls, not_measured : str
        Of a right block.
    kink, more_kinks, note : str
    look, mended, at, of_file, made, asked : str
        Lines to look at, and lines as they are right; at which point, with which data, and whence these are.
    forms : mapping of str
        What has to be said of how a gradient was read.
    kinds : mapping of str
        Verdicts in a word or two, for tables.
    table_head : tuple of str
        File, gradient, verdict, findings.
    histogram, counted, nothing_wrong : str
        Under the table.
    between, labelled : str
        What parts names in a list; a ``text`` behind its ``label``.
    causes : mapping of str
        What each code of a cause is called, whatever the numbers: for counting.
    page : GradientPageWords
        What only the page says.
    sentences : Sentences
        What the examination says in sentences of its own.
    """

    right: str
    right_but_kinks: str
    random: str
    unknown: str
    wrong: str
    wrong_everywhere: str
    is_right: str
    is_wrong: str
    alone_right: str
    alone_wrong: str
    asks_cost: str
    asks_which: str
    asks_argument: str
    cannot_run: str
    cannot_examine: str
    differ: str
    remainder: str
    a_number: str
    other_shape: str
    worst: str
    more_blocks: str
    cause: str
    mend: str
    no_cause: str
    right_blocks: str
    within_one: str
    within: str
    straight: str
    falls: str
    not_measured: str
    kink: str
    more_kinks: str
    note: str
    look: str
    mended: str
    at: str
    of_file: str
    made: str
    asked: str
    forms: Mapping[str, str]
    kinds: Mapping[str, str]
    table_head: tuple[str, str, str, str]
    histogram: str
    counted: str
    nothing_wrong: str
    between: str
    labelled: str
    causes: Mapping[str, str]
    page: GradientPageWords
    sentences: Sentences

    def title(self, code: str, english: str) -> str:
        """Return what a cause is called."""
        return self.causes.get(code) or self.sentence(english)

    def sentence(self, english: str) -> str:
        """Return a sentence of the examination in this language."""
        return self.sentences.said(english)
