"""The sentences of a diagnosis with their gaps. Every language fills in all of them, or is a type error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from thalweg.check.wording.sentences import Sentences
from thalweg.check.wording.shared import SharedWords


@final
@dataclass(frozen=True, kw_only=True)
class EffectWords:
    """How long the steps are, against those of the right rule.

    Attributes
    ----------
    steps, between : str
        Around the ``parts``, and between them.
    too_long, too_long_again, too_short, too_short_again, right_at, uphill_at, nothing_at : str
        At a step ``t``, by how much, ``ratio``; shorter where it is the same as at the step before.
    no_number, uphill, on_changing : str
        Where no lengths can be told.
    with_gradients : str
        Of what was ``said`` with gradients of an unusual ``size``.
    """

    steps: str
    between: str
    too_long: str
    too_long_again: str
    too_short: str
    too_short_again: str
    right_at: str
    uphill_at: str
    nothing_at: str
    no_number: str
    uphill: str
    on_changing: str
    with_gradients: str


@final
@dataclass(frozen=True, kw_only=True)
class PageWords:
    """What only the page of a diagnosis says.

    Attributes
    ----------
    shared : SharedWords
        What pages of gradients say as well.
    marked : str
        What the marks in the code mean.
    paths, paths_alike, paths_about, sizes, sizes_about, effects, effects_about : str
        Headings of the pictures and what they show.
    coordinate : str
        Heading of one picture, of ``number`` and ``gradients``.
    around, constant, rare : str
        Gradients by their ``size``; and those that never change, or are seldom there.
    mine, expected, without, with_it, middle, spread : str
        What the lines are.
    parts_here : str
        At the step from which they part, of ``step``.
    steps, moved, ratio, theta : str
        Names of the axes.
    table : tuple of str
        Columns of the numbers of a picture: step, factor on the rate, gradient, the code's step, the rule's.
    gradients : mapping of str
        The gradients of the pictures of effects, by key.
    slight : str
        After these, where the paths are within ``share`` per cent of each other.
    seen : str
        Before the places where an entry was seen.
    catalogue : str
        Its heading.
    kinds : mapping of str
        Headings of the catalogue's mistakes and conventions.
    """

    shared: SharedWords
    marked: str
    paths: str
    paths_alike: str
    paths_about: str
    sizes: str
    sizes_about: str
    effects: str
    effects_about: str
    coordinate: str
    around: str
    constant: str
    rare: str
    mine: str
    expected: str
    without: str
    with_it: str
    middle: str
    spread: str
    parts_here: str
    steps: str
    moved: str
    ratio: str
    theta: str
    table: tuple[str, str, str, str, str]
    gradients: Mapping[str, str]
    slight: str
    seen: str
    catalogue: str
    kinds: Mapping[str, str]


@final
@dataclass(frozen=True, kw_only=True)
class ListingWords:
    """What the catalogue says in the terminal.

    Attributes
    ----------
    head : tuple of str
        Code, kind, what it is.
    kinds : mapping of str
        A mistake, a convention.
    counted : str
        Under the table: ``mistakes``, ``conventions``.
    in_rule, lengths, rules, seen : str
        Of one entry: ``rule``, ``gradients``, ``rules``, ``source``.
    no_number, stands_still, uphill : str
        In place of a length: of ``ratio``.
    """

    head: tuple[str, str, str]
    kinds: Mapping[str, str]
    counted: str
    in_rule: str
    lengths: str
    rules: str
    seen: str
    no_number: str
    stands_still: str
    uphill: str


@final
@dataclass(frozen=True, kw_only=True)
class Phrases:
    """What is said of a piece of code.

    The first part of each headline, up to its colon, is the verdict.

    Attributes
    ----------
    right, same, wrong, wrong_more, unknown : str
        Headlines, of ``name``, ``file``, ``rule``, ``count``.
    cannot_run : str
        Headline of one piece of code, of ``name``, ``file``, ``reason``.
    cannot_examine : str
        Headline of a whole file, of ``where``, ``reason``.
    kinds : mapping of str
        The verdicts in a word or two, for tables.
    convention, labelled, in_words : str
        What stands before a convention; a ``text`` behind its ``label``; what stands before the lines of the rule's
        formula where the user's are not known.
    effect, parts, parts_at, residual, residual_of, next_best, next_best_of, numbers, alike, has, has_not, note : str
        Names of the evidence, and how it is put: ``step``, ``steps``, ``value``, ``rule``.
    arrays, in_array, only_in, array, and_array : str
        Where parameter arrays do not all do the same: name of that evidence; what one ``array`` does, of ``rule`` and
        ``value``; a ``title`` with the ``arrays`` it is confined to; an array without a name, of ``number``; and what
        stands between two.
    elsewhere, mended : str
        Before the same method in other libraries; of wrong code, what it would be.
    properties : mapping of (str, str)
        Of any rule: when it has the property, and when it has not.
    table_head : tuple of str
        File, name, verdict, rule, findings.
    histogram, counted : str
        Above the mistakes of a class, of ``files``; and what was found in all, of ``files``, ``right``, ``wrong``,
        ``unknown``, ``stopped``.
    nothing_wrong : str
        In place of the histogram.
    titles, explanations : mapping of str
        Of the entries of the catalogue, by code; what is not in it is said in English.
    effects : EffectWords
        The size of an effect.
    between : str
        Between sentences in one line.
    sentences : Sentences
        What the examination says in sentences of its own.
    listing : ListingWords
        What the catalogue says in the terminal.
    page : PageWords
        What only the page says.
    """

    right: str
    same: str
    wrong: str
    wrong_more: str
    unknown: str
    cannot_run: str
    cannot_examine: str
    kinds: Mapping[str, str]
    convention: str
    labelled: str
    in_words: str
    effect: str
    parts: str
    parts_at: str
    residual: str
    residual_of: str
    arrays: str
    in_array: str
    only_in: str
    array: str
    and_array: str
    next_best: str
    next_best_of: str
    numbers: str
    elsewhere: str
    mended: str
    alike: str
    has: str
    has_not: str
    note: str
    properties: Mapping[str, tuple[str, str]]
    table_head: tuple[str, str, str, str, str]
    histogram: str
    counted: str
    nothing_wrong: str
    titles: Mapping[str, str]
    explanations: Mapping[str, str]
    effects: EffectWords
    between: str
    sentences: Sentences
    listing: ListingWords
    page: PageWords

    def title(self, code: str, english: str) -> str:
        """Return the title of an entry of the catalogue."""
        return self.titles.get(code, english)

    def explanation(self, code: str, english: str) -> str:
        """Return the two sentences of an entry of the catalogue."""
        return self.explanations.get(code, english)

    def sentence(self, english: str) -> str:
        """Return a sentence of the examination in this language."""
        return self.sentences.said(english)
