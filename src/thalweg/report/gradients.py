"""The page of gradients: the verdict, what explains it, the code with its line, the remainder, gradient and slope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from thalweg.check.checked_gradients import CheckedGradients, ToldGradient
from thalweg.check.gradient_diagnosis import GradientDiagnosis
from thalweg.check.gradient_verdict import GradientVerdict
from thalweg.check.wording.gradient_lines import kink_told, right_block, wrong_block
from thalweg.check.wording.gradient_phrases import GradientPhrases
from thalweg.check.wording.gradient_telling import given_in_words, headline
from thalweg.check.wording.overview import rows_of_gradients
from thalweg.report.examined import examined_page, without_verdict
from thalweg.report.gradient_charts import comparison_charts, remainder_charts
from thalweg.report.marked_code import marked_code

_KINKS = 6


def gradients_page(checked: Sequence[CheckedGradients], say: GradientPhrases, command: str = "") -> str:
    """Return a page, HTML, with the gradients of one file or of many.

    Parameters
    ----------
    checked : sequence of CheckedGradients
    say : GradientPhrases
        The language.
    command : str
        What makes the page again.

    Returns
    -------
    str
        To be written as UTF-8.

    Raises
    ------
    UsageError
        REPORT-EXTRA: Jinja2, with Bokeh, is not installed.
    """
    return examined_page(
        "gradients.html.j2",
        checked,
        say,
        lambda one: rows_of_gradients(say, one),
        lambda file, told: _told(say, file, told),
        command,
    )


def _told(say: GradientPhrases, file: str, told: ToldGradient) -> dict[str, Any]:
    """Return what the template says of one gradient."""
    one = told.diagnosis
    verdict = one.verdict if one.kind in ("right", "wrong") else None
    wrong = one.kind == "wrong"
    looks = [] if one.mends else [line.line for line in one.lines]
    mends = [mend.as_dict() for mend in one.mends]
    code = marked_code(one.source, told.name.partition("(")[0], mends, looks) if wrong else []
    return {
        "kind": one.kind,
        "headline": without_verdict(headline(say, file, one)),
        "causes": _causes(say, one) if verdict else [],
        "uncaused": say.no_cause if verdict and wrong and not verdict.causes else "",
        "evidence": _evidence(say, verdict) if verdict else [],
        "kinks": [kink_told(kink, say) for kink in verdict.kinks[:_KINKS]] if verdict else [],
        "notes": _notes(say, one, verdict),
        "code": code,
        "marks": say.page.marked if mends else say.page.looked if looks else "",
        "mends": [(say.sentence(mend.where), mend.found.splitlines(), mend.right.splitlines()) for mend in one.mends],
        "remainders": remainder_charts(say, verdict) if verdict else [],
        "comparisons": comparison_charts(say, verdict) if verdict and wrong else [],
    }


def _causes(say: GradientPhrases, one: GradientDiagnosis) -> list[dict[str, Any]]:
    causes = one.verdict.causes if one.verdict else ()
    return [
        {
            "code": cause.code,
            "title": say.sentence(cause.title),
            "blocks": say.between.join(cause.blocks),
            "evidence": say.sentence(cause.evidence),
            "mend": say.sentence(cause.mend),
        }
        for cause in causes
    ]


def _evidence(say: GradientPhrases, verdict: GradientVerdict) -> list[str]:
    """Return a line for each block, the wrong ones first."""
    blocks = sorted(verdict.blocks, key=lambda block: block.right is not False)
    return ["; ".join(wrong_block(block, say)) if block.right is False else right_block(block, say) for block in blocks]


def _notes(say: GradientPhrases, one: GradientDiagnosis, verdict: GradientVerdict | None) -> list[str]:
    """Return what else must be known: of the numbers, of how the gradient was read, at which point."""
    told = [say.sentence(note) for note in verdict.notes] if verdict else []
    if verdict and one.form:
        told.append(say.forms[one.form].format(told=say.sentence(one.told)))
    if verdict and one.given:
        told.append(say.at.format(given=given_in_words(say, one.given)))
    return told
