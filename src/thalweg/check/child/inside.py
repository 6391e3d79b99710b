"""Updates of a file that stand inside its loops and methods, examined."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import final

from thalweg.check.child.loading import load
from thalweg.check.child.messages import Question
from thalweg.check.diagnosis import Diagnosis, cannot_run, examine_inside
from thalweg.check.subjects.inline import FUNCTION, Lifted, lifted
from thalweg.check.subjects.subject import CannotRun, Source
from thalweg.check.written import Written


@final
class Inside:
    """The updates inside the loops and methods of a file, for where no function of its own can be played.

    Parameters
    ----------
    question : Question
    source : Source
        The text of the file.
    """

    def __init__(self, question: Question, source: Source) -> None:
        self.question, self.source = question, source

    @cached_property
    def _updates(self) -> tuple[Lifted, ...] | CannotRun:
        try:
            return lifted(self.source.text, self.question.name)
        except CannotRun as failure:
            return failure

    def explain(self) -> None:
        """Say why there is nothing to examine, where a loop was read and cannot be followed.

        Raises
        ------
        CannotRun
            With the place of the loop.
        """
        if isinstance(self._updates, CannotRun):
            line = self._updates.line
            place = f"{self.source.where(line)}: " if line else ""
            raise CannotRun(place + self._updates.reason)

    def examined(self, owner: str | None = None) -> Iterator[Diagnosis]:
        """Examine the updates inside a function or class; all there are when None.

        Yields
        ------
        Diagnosis
            With the lines of the author.
        """
        for update in () if isinstance(self._updates, CannotRun) else self._updates:
            first = update.name.partition(".")[0]
            if owner is None or first == owner.partition(".")[0]:
                name = update.name or self.source.where(update.line).replace(":", ", line ").partition(", ")[2]
                try:
                    yield _examined(update, self.question, self.source, name)
                except CannotRun as failure:
                    yield cannot_run(name, failure, self.source)


def _examined(update: Lifted, question: Question, source: Source, name: str) -> Diagnosis:
    module = load(Written(source.path, update.text, source.cells)).module
    function = vars(module).get(FUNCTION)
    if function is None:
        raise CannotRun("its lines cannot be run by themselves", update.line)
    given = (question.rule, question.numbers, question.learning_rate_parameter)
    return examine_inside(update, function, source, name, *given)
