"""The step ledger as a page: the formula's lines with their numbers, and a slider to go through the updates."""

from __future__ import annotations

from typing import Any

from thalweg.check.wording.ledger import PAGE_IN_ENGLISH, LedgerPageWords
from thalweg.errors import LimitError
from thalweg.formulas.ledger import Ledger, Row
from thalweg.formulas.ledger_text import Column, number
from thalweg.formulas.ledger_words import LedgerWords
from thalweg.report.embedding import check_extra, json_text, own, rendered

MOST = 400_000
"""The most numbers in a page: more would take a browser seconds to read."""
_DIGITS = 6
_SHOWN = 5


def ledger_page(ledger: Ledger, command: str = "", words: LedgerPageWords = PAGE_IN_ENGLISH) -> str:
    """Return a page, HTML, on which a slider goes through the updates.

    The page loads nothing, and its policy forbids any request and any script but its own. Without scripts it shows the
    first update.

    Parameters
    ----------
    ledger : Ledger
    command : str
        What makes the page again.
    words : LedgerPageWords
        The language.

    Returns
    -------
    str
        To be written as UTF-8.

    Raises
    ------
    UsageError
        REPORT-EXTRA: Jinja2, with Bokeh, is not installed.
    LimitError
        LIMIT-LEDGER: too many numbers for a page.
    """
    check_extra()
    from markupsafe import Markup

    count = ledger.steps * sum(ledger.size if row.coordinates else 1 for row in ledger.rows)
    if count > MOST:
        what = f"{count:,} numbers are too many for a page; at most {MOST:,}"
        raise LimitError("LIMIT-LEDGER", "--report", what, "Tell fewer updates: --steps 1-100.")
    given = (f"{name}\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{value:g}" for name, value in ledger.numbers.items())
    numbers = ", ".join(given)
    return rendered(
        "ledger.html.j2",
        own("page.css", "ledger.css"),
        [own("ledger.js")],
        language=words.shared.language,
        again=words.shared.again,
        made=words.shared.made,
        data=Markup(json_text(_data(ledger, words))),  # noqa: S704 - escaped for where it stands
        words=words,
        title=words.title.format(rule=ledger.rule),
        lead=words.about(ledger.steps, ledger.size, numbers),
        times=ledger.times.tolist(),
        size=ledger.size,
        groups=_groups(ledger, words),
        command=command,
    )


def _groups(ledger: Ledger, words: LedgerPageWords) -> list[dict[str, Any]]:
    """Return the lines of the formula, each with its rows; what stands before them comes first."""
    inside = (words.inside.format(name=line.inside) if line.inside else "" for line in ledger.lines)
    heads = [
        (words.before, "", False),
        *((line.text, told, True) for line, told in zip(ledger.lines, inside, strict=True)),
    ]
    return [
        {
            "text": text,
            "inside": inside,
            "formula": formula,
            "rows": [_row(k, row, words.words) for k, row in enumerate(ledger.rows) if row.line == index],
        }
        for index, (text, inside, formula) in enumerate(heads, start=-1)
    ]


def _row(index: int, row: Row, words: LedgerWords) -> dict[str, Any]:
    return {
        "index": index,
        "kind": row.kind,
        "text": words.sentence(row.text),
        "meaning": words.sentence(row.meaning),
        "first": number(row, Column("", 0, 0), _SHOWN, words),
    }


def _data(ledger: Ledger, words: LedgerPageWords) -> dict[str, Any]:
    """Return the numbers of the page: for each row one list per coordinate, or one of a scalar."""
    said = {"yes": words.words.yes, "no": words.words.no}
    return {**said, "times": ledger.times.tolist(), "rows": [_series(row) for row in ledger.rows]}


def _series(row: Row) -> dict[str, Any]:
    columns = row.values.T if row.coordinates else row.values[None, :]
    told = row.told.tolist()
    series = [[_drawn(v) if known else None for v, known in zip(c.tolist(), told, strict=True)] for c in columns]
    return {"kind": row.kind, "series": series}


def _drawn(value: float | bool) -> float | bool | str:
    """Round a number to what the page shows; what is not finite goes as text."""
    if isinstance(value, bool):
        return value
    short = float(f"{value:.{_DIGITS}g}")
    return short if abs(short) < float("inf") else str(value)
