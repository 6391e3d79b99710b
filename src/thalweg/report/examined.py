"""The page of files that were examined: an overview where they are many, and each piece of code in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from thalweg.check.checked import CheckedFile, counts, histogram
from thalweg.check.wording.gradient_phrases import GradientPhrases
from thalweg.check.wording.overview import Row
from thalweg.check.wording.phrases import Phrases
from thalweg.errors import shown
from thalweg.report.embedding import own, rendered


def examined_page(
    template: str,
    checked: Sequence[CheckedFile[Any]],
    phrases: Phrases | GradientPhrases,
    rows: Callable[[Any], list[Row]],
    told: Callable[[str, Any], dict[str, Any]],
    command: str = "",
) -> str:
    """Return a page, HTML, with the diagnoses of one file or of many.

    The page loads nothing and has no scripts; its policy forbids both. All that strangers wrote in it is escaped.

    Parameters
    ----------
    template : str
        Extends ``examined.html.j2`` with what is said of a piece of code.
    checked : sequence of CheckedFile
    phrases : Phrases or GradientPhrases
        The language.
    rows : callable
        From a file to its rows in the overview.
    told : callable
        From a file's name and a piece of code to what the template says of it.
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
    shared = phrases.page.shared
    one = len(checked) == 1
    title = shared.title.format(file=checked[0].file) if one else shared.class_title.format(files=len(checked))
    made = histogram(checked)
    most = max((count for _, _, count in made), default=1)

    def file(number: int, each: CheckedFile[Any]) -> dict[str, Any]:
        answer = each.answer
        where, reason = phrases.sentence(shown(answer.where, 120)), phrases.sentence(shown(answer.reason, 300))
        return {
            "name": each.file,
            "anchor": f"file-{number}",
            "rows": rows(each),
            "verdict": each.verdict,
            "stamp": shared.stamps[each.verdict],
            "told": [told(each.file, piece) for piece in each.told],
            "stopped": phrases.cannot_examine.format(where=where or each.file, reason=reason) if answer.stop else "",
            "notes": [shown(phrases.sentence(note), 200) for note in answer.notes],
        }

    return rendered(
        template,
        own("page.css", "diagnosis.css"),
        language=shared.language,
        again=shared.again,
        made=shared.made,
        command=command,
        title=title,
        words=phrases.page,
        phrases=phrases,
        one=one,
        files=[file(number, each) for number, each in enumerate(checked, 1)],
        counts=phrases.counted.format(**counts(checked)),
        histogram=[(phrases.title(code, english), count, 100 * count / most) for code, english, count in made],
    )


def without_verdict(headline: str) -> str:
    """Return a headline behind its colon: the verdict stands in its stamp.

    Examples
    --------
    >>> without_verdict("wrong: f in a.py"), without_verdict("\uff1a".join(["错误", "f: a.py"]))
    ('f in a.py', 'f: a.py')
    """
    return re.split(r":\s|\uff1a", headline, maxsplit=1)[-1]
