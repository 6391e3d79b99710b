"""The page of a diagnosis: the verdict, the code with its line, the paths and where they part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from thalweg.check.checked import Checked, Told
from thalweg.check.diagnosis import Diagnosis
from thalweg.check.verdict import Finding
from thalweg.check.wording.overview import rows_of_rules
from thalweg.check.wording.phrases import Phrases
from thalweg.check.wording.telling import evidence, headline, title
from thalweg.report.diagnosis_charts import effect_chart, path_charts, size_chart
from thalweg.report.embedding import own, rendered
from thalweg.report.examined import examined_page, without_verdict
from thalweg.report.marked_code import marked_code


def diagnosis_page(checked: Sequence[Checked], phrases: Phrases, command: str = "") -> str:
    """Return a page, HTML, with the diagnoses of one file or of many.

    The page loads nothing and has no scripts; its policy forbids both. All that strangers wrote in it is escaped.

    Parameters
    ----------
    checked : sequence of Checked
    phrases : Phrases
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
        "diagnosis.html.j2",
        checked,
        phrases,
        lambda one: rows_of_rules(phrases, one),
        lambda file, told: _told(phrases, file, told),
        command,
    )


def catalogue_page(phrases: Phrases, command: str = "") -> str:
    """Return a page, HTML, with all entries of the catalogue and a picture of what each does.

    Raises
    ------
    UsageError
        REPORT-EXTRA: Jinja2, with Bokeh, is not installed.
    """
    from thalweg.check.catalogue.entries import entries
    from thalweg.check.effect import finding
    from thalweg.check.hypothesis import Hypothesis
    from thalweg.check.picture import picture

    made = []
    for entry in sorted(entries().values(), key=lambda entry: (entry.kind != "mistake", entry.code)):
        seen = picture(entry.code)
        lines = finding(Hypothesis(seen.rule, (entry.code,)), entry.code)
        made.append(
            {
                **_finding(phrases, lines, phrases.title(lines.code, lines.title), ()),
                "kind": entry.kind,
                "rule": seen.rule,
                "chart": effect_chart(phrases.page, seen),
            }
        )
    words = phrases.page
    return rendered(
        "catalogue.html.j2",
        own("page.css", "diagnosis.css"),
        language=words.shared.language,
        again=words.shared.again,
        made=words.shared.made,
        command=command,
        words=words,
        phrases=phrases,
        entries=made,
    )


def _told(phrases: Phrases, file: str, told: Told) -> dict[str, Any]:
    """Return what the template says of one piece of code."""
    from thalweg.check.picture import picture

    diagnosis = Diagnosis.from_dict(told.data)
    verdict = told.verdict
    findings = [*verdict.mistakes, *verdict.conventions]
    effects = []
    for finding in findings if verdict.rule else []:
        seen = picture(finding.code, verdict.rule)
        effects.append({"title": phrases.title(finding.code, finding.title), "chart": effect_chart(phrases.page, seen)})
    return {
        "kind": verdict.kind,
        "headline": without_verdict(headline(phrases, told.name, file, verdict)),
        "mistakes": [
            _finding(phrases, finding, title(phrases, verdict, finding), told.mends) for finding in verdict.mistakes
        ],
        "conventions": [
            _finding(phrases, finding, title(phrases, verdict, finding), ()) for finding in verdict.conventions
        ],
        "evidence": evidence(phrases, verdict, told.steps) if verdict.kind != "cannot_run" else [],
        "code": marked_code(diagnosis.source, told.name, told.mends),
        "marked": bool(told.mends),
        "paths": path_charts(phrases.page, diagnosis),
        "sizes": size_chart(phrases.page, diagnosis),
        "effects": effects,
        "expected": diagnosis.expected is not None,
        "parts_at": verdict.parts_at,
    }


def _finding(phrases: Phrases, finding: Finding, called: str, mends: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a finding under a title, with its lines: the user's own where they are known, the formula's otherwise."""
    own_lines = [
        (phrases.sentence(mend["where"]), mend["found"].splitlines(), mend["right"].splitlines())
        for mend in mends
        if mend["code"] == finding.code
    ]
    lines = own_lines or [(phrases.in_words, finding.found.splitlines(), finding.right.splitlines())]
    return {
        "code": finding.code,
        "title": called,
        "explanation": phrases.explanation(finding.code, finding.explanation),
        "source": finding.source,
        "lines": [one for one in lines if one[1] or one[2]],
    }
