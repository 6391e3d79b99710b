"""The sentences of a gradient's diagnosis with their gaps. Every language fills in all, or is a type error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from thalweg.check.wording.sentences import Sentences


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
    look, at, of_file, made, asked : str
        Lines to look at; at which point, with which data, and whence these are.
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
    sentences: Sentences

    def sentence(self, english: str) -> str:
        """Return a sentence of the examination in this language."""
        return self.sentences.said(english)
