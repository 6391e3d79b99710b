from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("bokeh")
pytest.importorskip("jinja2")

from tests.report.browser import Browser

from thalweg.errors import LimitError
from thalweg.formulas import catalog
from thalweg.formulas.rules import adam, gradient_descent, radam
from thalweg.report.ledger import ledger_page

HOSTILE = "</script><img src=x onerror=alert(1)>{{ 7 * 7 }}\"'"
NUMBERS = "[...document.querySelectorAll('[data-row] td.n')].map((cell) => cell.textContent)"
MARGINS = "document.documentElement.scrollWidth - innerWidth"


def to_update(browser: Browser, index: int) -> None:
    moved = f"s.value = {index}; s.dispatchEvent(new Event('input'))"
    browser.evaluate(f"(() => {{ const s = document.querySelector('.ledger-scrubber'); {moved} }})()")


def told(text: str, kind: str) -> float:
    return float(text.removesuffix(" %")) / (100 if kind == "share" else 1)


def test_the_slider_shows_the_numbers_of_every_update(browser: Browser, file: Path):
    ledger = adam.explain(np.random.default_rng(3).standard_normal((12, 2)) * [1.0, 1e-7])
    file.write_text(ledger_page(ledger, HOSTILE), encoding="utf-8")
    browser.open(file)
    for coordinate in (0, 1):
        chosen = f"c.value = {coordinate}; c.dispatchEvent(new Event('change'))"
        browser.evaluate(f"(() => {{ const c = document.querySelector('.ledger-coordinate'); {chosen} }})()")
        for step in (0, 5, 11):
            to_update(browser, step)
            assert browser.evaluate("document.querySelector('.ledger-time').textContent") == f"t = {step + 1}"
            shown = browser.evaluate(NUMBERS)
            for row, text in zip(ledger.rows, shown, strict=True):
                value = row.values[step, coordinate] if row.coordinates else row.values[step]
                digits = 5e-3 if row.kind == "share" else 5e-5
                assert told(text, row.kind) == pytest.approx(float(value), rel=digits), row.text
    assert browser.evaluate("document.querySelectorAll('.trend svg').length") == len(ledger.rows)
    assert (browser.requests, browser.dialogs, browser.complaints) == ([], [], [])


def test_what_is_no_number_is_shown_as_it_is(browser: Browser, file: Path):
    ledger = radam(epsilon=0).explain(np.zeros(8))
    file.write_text(ledger_page(ledger), encoding="utf-8")
    browser.open(file)
    texts = [row.text for row in ledger.rows]
    assert browser.evaluate(NUMBERS)[texts.index("np.sqrt(v)")] == "-"
    assert browser.evaluate(NUMBERS)[texts.index("trusted")] == "no"
    to_update(browser, 7)
    shown = browser.evaluate(NUMBERS)
    assert shown[texts.index("np.sqrt(v)")] == "0"
    assert shown[texts.index("trusted")] == "yes"
    assert shown[-1] == "nan"
    assert browser.complaints == []


@pytest.mark.parametrize("name", ["radam", "ademamix"])
def test_it_fits_a_telephone(browser: Browser, file: Path, name: str):
    file.write_text(ledger_page(catalog.rules()[name].explain(np.ones(20))), encoding="utf-8")
    browser.open(file, width=380, height=800)
    assert browser.evaluate(MARGINS) <= 0


def test_the_first_update_is_there_without_scripts():
    page = ledger_page(gradient_descent.explain([2.0, 3.0]), HOSTILE)
    assert "<img" not in page
    rows = re.findall(r'data-row="\d+">.*?<td class="n">(.*?)</td>', page)
    assert rows == ["2", "1", "0.02", "0.98", "-0.02"]
    data = json.loads(page.partition('id="ledger-data">')[2].partition("</script>")[0])
    assert data["rows"][0]["series"] == [[2.0, 3.0]]


def test_too_many_numbers_are_refused(monkeypatch):
    monkeypatch.setattr("thalweg.report.ledger.MOST", 14)
    with pytest.raises(LimitError, match="15 numbers are too many"):
        ledger_page(gradient_descent.explain([1.0, 2.0, 3.0]))
