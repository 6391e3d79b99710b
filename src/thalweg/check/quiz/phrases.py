"""What the trainer says, in a language: every language fills in all of it, or is a type error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from thalweg.check.quiz.question import Question, Text


@final
@dataclass(frozen=True, kw_only=True)
class Phrases:
    """The sentences of the trainer, with their gaps.

    Attributes
    ----------
    of_optimizer, of_network : str
        Headings of a question, of ``number``, ``count``, ``rule``.
    which, which_line : str
        What is asked for, with findings to choose from and without.
    prompt : str
        Before the answer.
    right, wrong : str
        Marks; ``wrong`` of ``solution``.
    finding, line, lines : str
        Parts of a solution, of ``letter``, ``line``, ``lines``.
    not_understood : str
        After an answer that says nothing.
    told : str
        A finding in full, of ``title`` and ``explanation``.
    effect, off : str
        What the mistake does to the steps, and to the gradients, of ``effect``.
    score : str
        Of ``right`` and ``count``.
    again : str
        How to be asked the same again, of ``command``.
    look_again : str
        Above the findings that were missed.
    no_more : str
        There are fewer questions than were asked for, of ``count``.
    texts : mapping of Text
        Findings in networks, by name.
    """

    of_optimizer: str
    of_network: str
    which: str
    which_line: str
    prompt: str
    right: str
    wrong: str
    finding: str
    line: str
    lines: str
    not_understood: str
    told: str
    effect: str
    off: str
    score: str
    again: str
    look_again: str
    no_more: str
    texts: Mapping[str, Text]

    def solution(self, question: Question, *, with_letter: bool) -> str:
        """Say where the mistake is."""
        numbers = question.wrong_lines
        one = self.line.format(line=numbers[0]) if len(numbers) == 1 else ""
        where = one or self.lines.format(lines=", ".join(map(str, numbers)))
        return f"{self.finding.format(letter=question.letter)}{where}" if with_letter else where
