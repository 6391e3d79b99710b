"""What is said of a file in a table of many: a row for each piece of code in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from thalweg.check.wording.gradient_lines import few
from thalweg.check.wording.telling import title
from thalweg.errors import shown

if TYPE_CHECKING:
    from thalweg.check.checked import Checked
    from thalweg.check.checked_gradients import CheckedGradients
    from thalweg.check.child.messages import Answer
    from thalweg.check.wording.gradient_phrases import GradientPhrases
    from thalweg.check.wording.phrases import Phrases

NONE = "-"


class Row(NamedTuple):
    """One row: the verdict's kind, and the cells behind the file's name, of which the last is a sentence."""

    kind: str
    cells: tuple[str, ...]


def rows_of_rules(phrases: Phrases, checked: Checked) -> list[Row]:
    """Return name, verdict, rule and mistakes of each piece of code."""
    rows = []
    for told in checked.told:
        verdict = told.verdict
        said = phrases.between.join(title(phrases, verdict, finding) for finding in verdict.mistakes)
        if verdict.kind == "cannot_run":
            said = phrases.sentence(shown(verdict.note, 200))
        rows.append(Row(verdict.kind, (told.name, phrases.kinds[verdict.kind], verdict.rule or NONE, said)))
    if checked.answer.stop:
        rows.append(Row("cannot_run", (NONE, phrases.kinds["cannot_run"], NONE, _stopped(phrases, checked.answer))))
    return rows


def rows_of_gradients(say: GradientPhrases, checked: CheckedGradients) -> list[Row]:
    """Return name, verdict, and wrong blocks with their causes, of each gradient."""
    rows = []
    for told in checked.told:
        one = told.diagnosis
        said, blocks = say.sentence(shown(one.reason, 200)), ""
        if one.verdict is not None:
            blocks = few(one.verdict.wrong_blocks, say, 3)
            said = "; ".join(say.sentence(cause.title) for cause in one.verdict.causes[:2]) or said
        if not said and one.kind == "wrong" and (one.mends or one.lines):  # no cause is known: at least where
            said = say.look.format(where=say.sentence((one.mends or one.lines)[0].where))
        if one.choices:
            said = say.between.join(one.choices)
        labelled = say.labelled.format(label=blocks, text=said) if blocks and said else blocks or said
        rows.append(Row(one.kind, (told.name, say.kinds[one.kind], labelled)))
    if checked.answer.stop:
        rows.append(Row("cannot_run", (NONE, say.kinds["cannot_run"], _stopped(say, checked.answer))))
    return rows


def _stopped(phrases: Phrases | GradientPhrases, answer: Answer) -> str:
    """Return what kept the rest of a file from being examined, with its line."""
    reason = phrases.sentence(shown(answer.reason, 200))
    line = answer.where.rpartition(":")[2] if ":" in answer.where else answer.where.partition(", ")[2]
    return phrases.labelled.format(label=phrases.sentence(line), text=reason) if line else reason
