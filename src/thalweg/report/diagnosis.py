"""The page of a diagnosis: the verdict, the code with its line, the paths and where they part."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from thalweg.check.checked import Checked, Told
from thalweg.check.diagnosis import Diagnosis
from thalweg.check.verdict import Finding
from thalweg.check.wording.phrases import Phrases
from thalweg.check.wording.telling import evidence, headline
from thalweg.errors import shown
from thalweg.report.diagnosis_charts import effect_chart, path_charts, size_chart
from thalweg.report.embedding import own, rendered

_AROUND = 8  # lines of code before and after a marked one, where the code is long
_MOST = 60  # lines that are shown whole


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
    words = phrases.page
    one = len(checked) == 1
    title = words.title.format(file=checked[0].file) if one else words.class_title.format(files=len(checked))
    return rendered(
        "diagnosis.html.j2",
        own("page.css", "diagnosis.css"),
        language=words.language,
        again=words.again,
        made=words.made,
        command=command,
        title=title,
        words=words,
        phrases=phrases,
        one=one,
        files=[_file(phrases, each, number) for number, each in enumerate(checked, 1)],
        counts=_counts(phrases, checked),
        histogram=_histogram(phrases, checked),
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
                **_finding(phrases, lines, ()),
                "kind": entry.kind,
                "rule": seen.rule,
                "chart": effect_chart(phrases.page, seen),
            }
        )
    words = phrases.page
    return rendered(
        "catalogue.html.j2",
        own("page.css", "diagnosis.css"),
        language=words.language,
        again=words.again,
        made=words.made,
        command=command,
        words=words,
        phrases=phrases,
        entries=made,
    )


def _file(phrases: Phrases, checked: Checked, number: int) -> dict[str, Any]:
    """Return what the template says of a file."""
    answer = checked.answer
    where, reason = phrases.sentence(shown(answer.where, 120)), phrases.sentence(shown(answer.reason, 300))
    return {
        "name": checked.file,
        "anchor": f"file-{number}",
        "rows": _overview(phrases, checked),
        "verdict": checked.verdict,
        "stamp": phrases.page.stamps[checked.verdict],
        "told": [_told(phrases, checked.file, told) for told in checked.told],
        "stopped": phrases.cannot_examine.format(where=where, reason=reason) if answer.stop else "",
        "notes": [shown(phrases.sentence(note), 200) for note in answer.notes],
    }


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
        "headline": headline(phrases, told.name, file, verdict),
        "mistakes": [_finding(phrases, finding, told.mends) for finding in verdict.mistakes],
        "conventions": [_finding(phrases, finding, ()) for finding in verdict.conventions],
        "evidence": evidence(phrases, verdict, told.steps) if verdict.kind != "cannot_run" else [],
        "code": _code(diagnosis, told),
        "marked": bool(told.mends),
        "paths": path_charts(phrases.page, diagnosis),
        "sizes": size_chart(phrases.page, diagnosis),
        "effects": effects,
        "expected": diagnosis.expected is not None,
        "parts_at": verdict.parts_at,
    }


def _finding(phrases: Phrases, finding: Finding, mends: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a finding with its lines: the user's own where they are known, the formula's otherwise."""
    own_lines = [
        (phrases.sentence(mend["where"]), mend["found"].splitlines(), mend["right"].splitlines())
        for mend in mends
        if mend["code"] == finding.code
    ]
    lines = own_lines or [(phrases.in_words, finding.found.splitlines(), finding.right.splitlines())]
    return {
        "code": finding.code,
        "title": phrases.title(finding.code, finding.title),
        "explanation": phrases.explanation(finding.code, finding.explanation),
        "source": finding.source,
        "lines": [one for one in lines if one[1] or one[2]],
    }


# The code


def _code(diagnosis: Diagnosis, told: Told) -> list[tuple[str, str, str]]:
    """Return lines of the user's code: kind ("", "-", "+" or "gap"), number and text."""
    source = diagnosis.source
    if source is None:
        return []
    lines = source.text.split("\n")
    mends: dict[int, list[Mapping[str, Any]]] = {}
    for mend in told.mends:
        mends.setdefault(int(mend["line"]) - source.first_line + 1, []).append(mend)
    begin, end = _extent(source.text, told.name) or (1, len(lines))
    end = min(end, len(lines))
    wanted = set(range(begin, end + 1)) if end - begin < _MOST else set()
    for at in mends:
        low, high = (begin, end) if begin <= at <= end else (1, len(lines))
        wanted |= set(range(max(at - _AROUND, low), min(at + _AROUND, high) + 1))
    if not wanted:
        wanted = set(range(begin, begin + _MOST))
    shown_lines: list[tuple[str, str, str]] = []
    before = 0
    gone = 0
    come: list[str] = []
    for at in sorted(wanted):
        if before and at != before + 1:
            shown_lines.append(("gap", "", "..."))
        before = at
        for mend in mends.get(at, ()):
            if mend["found"]:
                gone, come = len(mend["found"].split("\n")), mend["right"].splitlines()
            else:
                shown_lines += [("+", "", line) for line in mend["right"].splitlines()]
        if at > len(lines):
            break
        shown_lines.append(
            ("-" if gone else "", source.where(at).rpartition(":")[2].rpartition("line ")[2], lines[at - 1])
        )
        if gone:
            gone -= 1
            if gone == 0:
                shown_lines += [("+", "", line) for line in come]
    return shown_lines


def _extent(text: str, name: str) -> tuple[int, int] | None:
    """Return the lines of a function, class or method by its name."""
    try:
        tree: ast.AST = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    found = None
    for part in name.split("."):
        inner = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == part
        ]
        if not inner:
            break
        tree = found = inner[-1]
    return None if found is None else (found.lineno, found.end_lineno or found.lineno)


# A class


def _overview(phrases: Phrases, checked: Checked) -> list[dict[str, str]]:
    """Return a line for each piece of code in a file."""
    rows = []
    for told in checked.told:
        verdict = told.verdict
        said = phrases.between.join(phrases.title(finding.code, finding.title) for finding in verdict.mistakes)
        if verdict.kind == "cannot_run":
            said = phrases.sentence(shown(verdict.note, 200))
        kind = phrases.kinds[verdict.kind]
        rows.append(
            {"kind": verdict.kind, "name": told.name, "verdict": kind, "rule": verdict.rule or "", "said": said}
        )
    if checked.answer.stop:
        said = phrases.sentence(shown(checked.answer.reason, 200))
        kind = phrases.kinds["cannot_run"]
        rows.append({"kind": "cannot_run", "name": "", "verdict": kind, "rule": "", "said": said})
    return rows


def _counts(phrases: Phrases, checked: Sequence[Checked]) -> str:
    kinds = Counter(one.verdict for one in checked)
    return phrases.counted.format(
        files=len(checked),
        right=kinds["right"] + kinds["same"],
        wrong=kinds["wrong"],
        unknown=kinds["unknown"],
        stopped=kinds["cannot_run"],
    )


def _histogram(phrases: Phrases, checked: Sequence[Checked]) -> list[tuple[str, int, float]]:
    """Return title, count and share of the largest count, of each mistake, the commonest first."""
    counts: Counter[str] = Counter()
    titles: dict[str, str] = {}
    for one in checked:
        made = {finding.code: finding.title for told in one.told for finding in told.verdict.mistakes}
        counts.update(made.keys())
        titles |= made
    most = max(counts.values(), default=1)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [(phrases.title(code, titles[code]), count, 100 * count / most) for code, count in ordered]
