"""A question: a program with one mistake, four findings to choose from, and how an answer is marked."""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

from thalweg.check.verdict import Effect

LETTERS = "abcd"


@final
@dataclass(frozen=True)
class Text:
    """A finding as it is told: a title of a few words, and two sentences."""

    title: str
    explanation: str


@final
@dataclass(frozen=True)
class Question:
    """Code with one mistake in it.

    Parameters
    ----------
    kind : {"optimizer", "backpropagation"}
        What the code is.
    subject : str
        The rule's name, or the network's.
    code : str
        Stable name of the mistake.
    lines : tuple of str
        The program.
    mended : tuple of str
        The program without the mistake.
    choices : tuple of str
        Codes of the findings to choose from, the right one among them.
    effect : Effect or str
        What the mistake does to steps; of a network, by how much each gradient is off, in numbers.

    Examples
    --------
    >>> asked = Question("optimizer", "sgd", "uphill", ("w = w + g",), ("w = w - g",), ("uphill", "rate-twice"), "")
    >>> asked.wrong_lines, asked.letter
    ((1,), 'a')
    """

    kind: Literal["optimizer", "backpropagation"]
    subject: str
    code: str
    lines: tuple[str, ...]
    mended: tuple[str, ...]
    choices: tuple[str, ...]
    effect: Effect | str

    @property
    def letter(self) -> str:
        """Letter of the right finding."""
        return LETTERS[self.choices.index(self.code)]

    @property
    def wrong_lines(self) -> tuple[int, ...]:
        """Lines, from 1, that are accepted: those that differ; where one is missing, those beside the gap."""
        found: set[int] = set()
        for what, _, _, first, last in self._changes():
            beside = {first, first + 1} & set(range(1, len(self.lines) + 1))
            found |= beside if what == "delete" else set(range(first + 1, last + 1))
        return tuple(sorted(found))

    @property
    def difference(self) -> tuple[str, ...]:
        """The mend as a small diff: the lines as they are with ``-``, as they would be right with ``+``."""
        signed: list[tuple[str, str]] = []
        for _, right_first, right_last, first, last in self._changes():
            signed += [("-", line) for line in self.lines[first:last]]
            signed += [("+", line) for line in self.mended[right_first:right_last]]
        # Without the margin that all of them have: what is indented otherwise is seen to be.
        bare = textwrap.dedent("\n".join(line for _, line in signed)).split("\n")
        return tuple(f"{sign} {line}" for (sign, _), line in zip(signed, bare, strict=True))

    def _changes(self) -> list[tuple[str, int, int, int, int]]:
        matched = difflib.SequenceMatcher(None, self.mended, self.lines, autojunk=False)
        return [change for change in matched.get_opcodes() if change[0] != "equal"]

    def mark(self, answer: str, *, letters: bool = True) -> Mark:
        """Mark an answer: a line number, a letter where there are findings to choose from, or both.

        Examples
        --------
        >>> asked = Question("optimizer", "sgd", "uphill", ("w = w + g",), ("w = w - g",), ("uphill", "rate-twice"), "")
        >>> [asked.mark(answer).right for answer in ("a", "1", "line 1, a", "b", "1 b", "what?", "")]
        [True, True, True, False, False, False, False]
        """
        words = re.findall(r"[a-z]+|\d+", answer.lower())
        known = LETTERS[: len(self.choices)] if letters else ""
        chosen = [word for word in words if len(word) == 1 and word in known]
        numbers = [int(word) for word in words if word.isdecimal() and 0 < int(word[:6]) <= len(self.lines)]
        right = all(letter == self.letter for letter in chosen) and all(n in self.wrong_lines for n in numbers)
        return Mark(answer.strip(), bool(chosen or numbers), bool(chosen or numbers) and right)


@final
@dataclass(frozen=True)
class Mark:
    """An answer, whether it says anything, and whether that is right."""

    answer: str
    understood: bool
    right: bool


def as_data(
    question: Question, texts: Sequence[Text], effect: str, mark: Mark | None, *, letters: bool = True
) -> dict[str, Any]:
    """Return a question as plain data, with its findings where they are to be chosen from, and once it is answered
    with its solution.
    """
    data: dict[str, Any] = {
        "kind": question.kind,
        "subject": question.subject,
        "lines": list(question.lines),
    }
    if letters:
        data["choices"] = {letter: text.title for letter, text in zip(LETTERS, texts, strict=False)}
    if mark is not None:
        text = texts[question.choices.index(question.code)]
        data |= {
            "answer": mark.answer,
            "right": mark.right,
            "solution": {
                "code": question.code,
                "letter": question.letter if letters else None,
                "lines": list(question.wrong_lines),
                "title": text.title,
                "explanation": text.explanation,
                "effect": effect,
                "difference": list(question.difference),
            },
        }
    return data
