"""``thalweg quiz``: find the mistake in an optimizer or a backward pass."""

from __future__ import annotations

import json
import random
import sys
import textwrap
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from thalweg.cli import options as o
from thalweg.errors import SettingError, StorageError, UsageError

if TYPE_CHECKING:
    from thalweg.check.quiz.phrases import Phrases
    from thalweg.check.quiz.question import Mark, Question, Text

_WIDTH = 78
_BY_LINE = "3"  # the level without findings to choose from
_WIDE = 0x2E80  # from here on a sign takes two columns
_CLOSING = "，。：；、！？）"  # noqa: RUF001 - no line begins with one of them
_LEAVE = {"q", "quit", "exit"}
_SHOW = {"?", "？"}  # noqa: RUF001 - as a Chinese keyboard writes it


@click.command("quiz", cls=o.SectionedCommand, short_help="Find the mistake: a trainer.")
@o.count("Questions", "--questions", "How many.", 5)
@o.choice(
    "Questions", "--level", ["1", "2", "3"], "1: well-known rules. 2: as students write. 3: all rules, by line.", "1"
)
@o.choice("Questions", "--about", ["optimizers", "backpropagation", "both"], "What is asked about.", "both")
@o.word("Questions", "--rule", "NAME", "Ask about this rule alone.  [any]")
@o.count("Questions", "--seed", "The same seed asks the same questions.  [drawn]", least=0)
@o.word("Answers", "--answers", "FILE", "One answer a line, '-' for standard input.  [asked for]")
@o.choice("Output", "--format", ["text", "json"], "json: the questions; with answers, their marks as well.", "text")
@o.choice("Output", "--language", ["en", "zh"], "English or Chinese.", "en")
@o.OUTPUT
def quiz(**told: Any) -> int:
    """Show code with one mistake in it, ask for it, mark the answer and explain.

    An answer is the letter of a finding or the number of a line. Every mistake is one that the catalogue of thalweg
    check knows, and was made in earnest somewhere.

    \b
    thalweg quiz
    thalweg quiz --rule adam --level 2 --questions 10
    thalweg quiz --seed 7 --format json --answers answers.txt
    """  # noqa: D301 - what click reads is the character, not its name
    from thalweg.check.quiz.languages import LANGUAGES
    from thalweg.check.quiz.rounds import questions

    rule = None if told["rule"] is None else _rule(told["rule"], told["about"])
    drawn = told["seed"] is None
    seed = random.randrange(1_000_000) if drawn else told["seed"]  # noqa: S311 - no secret
    level = int(told["level"])
    asked = _some(islice(questions(seed, level=level, rule=rule, about=told["about"]), told["questions"]), rule)
    answers = _given(told["answers"], wanted=told["format"] == "text")
    if told["format"] == "json":
        click.echo(json.dumps(_as_json(list(asked), answers, seed, told), ensure_ascii=False, indent=2))
        return 0
    command = " ".join([o.command_told(), *([f"--seed {seed}"] if drawn else [])])
    return _Round(LANGUAGES[told["language"]], told, answers).go(asked, command)


def _rule(name: str, about: str) -> str:
    """Return the name of a rule that can be asked about."""
    from thalweg.check.catalogue.textbook import names
    from thalweg.check.quiz.optimizers import askable
    from thalweg.formulas import catalog

    if about == "backpropagation":
        raise UsageError("QUIZ-RULE", "--rule", "networks have no rule; it goes with --about optimizers")
    found: str = catalog.find("rule", name, "--rule").name
    if found not in names() or not askable(found):
        some = ", ".join(rule for rule in names() if len(askable(rule)) > 9)
        hint = textwrap.fill(f"With many: {some}.", 76)
        raise SettingError("QUIZ-RULE", "--rule", f"the catalogue has no mistakes in {found}", hint)
    return found


def _some(asked: Iterator[Question], rule: str | None) -> Iterator[Question]:
    """Return the questions, after finding out that there is one."""
    first = next(asked, None)
    if first is None:
        raise SettingError("QUIZ-RULE", "--rule", f"no mistake in {rule} can be told from right code by what it does")
    return chain([first], asked)


def _given(place: str | None, *, wanted: bool) -> Iterator[str] | None:
    """Return the answers of a file, or of standard input that is no terminal; None where there is someone to ask."""
    if place is None and (not wanted or sys.stdin.isatty()):
        return None
    if place in {None, "-"}:
        lines = sys.stdin.read().splitlines()
        if place is None and not lines:
            what = "asks in a terminal, and there is none"
            hint = "Give the answers, one a line: --answers FILE, or on standard input."
            raise UsageError("QUIZ-TERMINAL", "thalweg quiz", what, hint)
        return iter(lines)
    from thalweg.exchange.tables.cells import shown

    try:
        return iter(Path(str(place)).read_text(encoding="utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else "cannot be read as text"
        raise StorageError("FILE-OPEN", shown(place, 200), reason) from error


def _as_json(asked: list[Question], answers: Iterator[str] | None, seed: int, told: dict[str, Any]) -> dict[str, Any]:
    """Return the questions, and the marks where there are answers; a question without one is marked as wrong."""
    from thalweg.check.quiz.languages import effect_of, text_of
    from thalweg.check.quiz.question import as_data

    letters, language = told["level"] != _BY_LINE, told["language"]
    marks = [None if answers is None else one.mark(next(answers, ""), letters=letters) for one in asked]
    described = [
        as_data(
            one, [text_of(code, one, language) for code in one.choices], effect_of(one, language), mark, letters=letters
        )
        for one, mark in zip(asked, marks, strict=True)
    ]
    data: dict[str, Any] = {"seed": seed, "level": int(told["level"]), "questions": described}
    if answers is not None:
        data["score"] = {"right": sum(mark is not None and mark.right for mark in marks), "of": len(asked)}
    return data


class _Round:
    """Asks, marks and explains, until there are no more questions or the learner leaves."""

    def __init__(self, say: Phrases, told: dict[str, Any], answers: Iterator[str] | None) -> None:
        self.say, self.told, self.answers = say, told, answers
        self.choices = told["level"] != _BY_LINE
        self.right, self.answered = 0, 0
        self.missed: list[str] = []

    def go(self, asked: Iterator[Question], command: str) -> int:
        """Ask the questions and tell the score; return the exit status."""
        from thalweg.cli.interrupts import INTERRUPTED

        status, wanted, number = 0, self.told["questions"], 0
        try:
            for number, question in enumerate(asked, start=1):
                if not self._one(question, number, wanted):
                    break
            else:
                if number < wanted:
                    click.echo(self.say.no_more.format(count=number) + "\n")
        except (KeyboardInterrupt, click.Abort):
            click.echo()
            status = INTERRUPTED
        click.echo(self.say.score.format(right=self.right, count=self.answered))
        if self.missed:
            click.echo("\n".join([self.say.look_again, *(f"  - {title}" for title in self.missed)]))
        if self.answers is None:
            click.echo(self.say.again.format(command=command))
        return status

    def _one(self, question: Question, number: int, count: int) -> bool:
        """Ask one question; return whether to go on."""
        from thalweg.check.quiz.languages import text_of

        texts = [text_of(code, question, self.told["language"]) for code in question.choices]
        self._show(question, texts, number, count)
        mark = self._answer(question)
        if mark is None:
            return False
        self.answered += 1
        self.right += mark.right
        text = texts[question.choices.index(question.code)]
        if not mark.right and text.title not in self.missed:
            self.missed.append(text.title)
        self._explain(question, text, mark)
        return True

    def _show(self, question: Question, texts: list[Text], number: int, count: int) -> None:
        from thalweg.check.quiz.question import LETTERS

        head = self.say.of_optimizer if question.kind == "optimizer" else self.say.of_network
        click.secho(head.format(number=number, count=count, rule=question.subject), bold=True, **self._color())
        click.echo()
        for place, line in enumerate(question.lines, start=1):
            click.echo(f"{place:3}  {line}".rstrip())
        click.echo()
        if self.choices:
            for letter, text in zip(LETTERS, texts, strict=False):
                click.echo(_wrapped(text.title, f"  {letter}  ", "     "))
            click.echo()
        click.echo(self.say.which if self.choices else self.say.which_line)

    def _answer(self, question: Question) -> Mark | None:
        """Return the answer's mark; None where the learner leaves."""
        while True:
            given = self._read()
            if given is None or given.strip().lower() in _LEAVE:
                return None
            mark = question.mark(given, letters=self.choices)
            if mark.understood or self.answers is not None or given.strip() in _SHOW:
                return mark
            click.echo(self.say.not_understood)

    def _read(self) -> str | None:
        """Return the next answer; None where there is no more."""
        if self.answers is not None:
            given = next(self.answers, None)
            click.echo(self.say.prompt + ("" if given is None else given.strip()))
            return given
        try:
            return input(self.say.prompt)
        except EOFError:
            click.echo()
            return None

    def _explain(self, question: Question, text: Text, mark: Mark) -> None:
        from thalweg.check.quiz.languages import effect_of

        solution = self.say.solution(question, with_letter=self.choices)
        head = (self.say.right if mark.right else self.say.wrong).format(solution=solution)
        click.secho(f"\n{head}", bold=True, fg="green" if mark.right else "red", **self._color())
        title = f"{text.title[:1].upper()}{text.title[1:]}"
        click.echo(_wrapped(self.say.told.format(title=title, explanation=text.explanation), "  ", "  "))
        click.echo(_wrapped(effect_of(question, self.told["language"]), "  ", "  "))
        for line in question.difference:
            click.secho(f"  {line}", fg="red" if line.startswith("-") else "green", **self._color())
        click.echo()

    def _color(self) -> dict[str, Any]:
        return {"color": False} if self.told["no_color"] else {}


def _wrapped(text: str, first: str, rest: str) -> str:
    """Break a text into lines of the terminal; Chinese has no blanks, and its signs are two columns wide."""
    wide: Callable[[str], int] = lambda piece: sum(2 if ord(sign) > _WIDE else 1 for sign in piece)  # noqa: E731
    lines, line = [], first
    for word in _words(text):
        if wide(line + word.rstrip()) > _WIDTH and line.strip():
            lines.append(line.rstrip())
            line, word = rest, word.lstrip()  # noqa: PLW2901 - a line begins without a blank
        line += word
    return "\n".join([*lines, line.rstrip()])


def _words(text: str) -> Iterator[str]:
    """Yield the pieces between which a line may end: words with the blank before them, and Chinese signs."""
    word = ""
    for sign in text:
        if sign == " " or (ord(sign) > _WIDE and sign not in _CLOSING):
            if word:
                yield word
            word = sign
        else:
            word += sign
    if word:
        yield word
