from __future__ import annotations

import inspect
import re
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from tests.report.browser import Browser

from thalweg.check.catalogue.entries import entries
from thalweg.check.checked import Checked
from thalweg.check.child.messages import Answer, Question
from thalweg.check.child.optimizers import examined
from thalweg.check.diagnosis import diagnose
from thalweg.check.picture import picture
from thalweg.check.subjects.subject import Source
from thalweg.check.verdict import Verdict
from thalweg.check.wording import spoken
from thalweg.check.written import Written
from thalweg.report.diagnosis import catalogue_page, diagnosis_page
from thalweg.report.line_chart import Line, line_chart

MARGINS = "document.documentElement.scrollWidth - window.innerWidth"
EVIL = "</script><img src=x onerror=alert(1)>"


def good(w, g, lr=0.1):
    return w - lr * g


def climb(w, g, lr=0.1):
    return w + lr * g


def lost(w, g, lr=0.1):
    return w - lr * g / 0.0 * np.inf


def fails(w, g):
    raise ValueError(EVIL)


@cache
def told(update):
    source = Source("mine.py", inspect.getsource(update), update.__code__.co_firstlineno)
    return {**diagnose(update).as_dict(), "source": source.as_dict()}


def checked(*updates, file="mine.py", **answer):
    told_of_all = tuple(map(told, updates))
    return Checked.of(Question(file), Answer(diagnoses=told_of_all, **answer), None)


def page(*files):
    return diagnosis_page(files, spoken("en"), "thalweg check mine.py")


class Outline(HTMLParser):
    """What is in a page: tags, and text without markup."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.links, self.text = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def wrong():
    return page(checked(climb))


def test_the_page_has_verdict_evidence_code_and_pictures(wrong):
    seen = Outline(wrong)
    for words in (
        "climb in mine.py is gradient_descent with a mistake",
        "uphill",
        "steps go uphill",
        "They part at step 1",
        "return w + lr * g",
        "What each finding does by itself",
    ):
        assert words in seen.text
    assert seen.text.count("    return w - lr * g") == 2  # beside the finding, and in the code
    assert wrong.count('<svg class="lines"') == 3 + 1 + 1  # parameters, lengths of steps, the finding


def test_the_page_asks_for_nothing_and_runs_nothing(wrong):
    seen = Outline(wrong)
    assert "script" not in seen.tags
    assert [link for link in seen.links if not link.startswith("#")] == []
    assert "default-src &#39;none&#39;" in wrong


@pytest.mark.parametrize("width", [380, 1300])
def test_in_a_browser_it_fits_and_asks_for_nothing(browser: Browser, file: Path, width: int):
    html = page(checked(climb, good, file=f"{'long_name_' * 6}.py"), checked(fails)).replace(
        "<details", "<details open"
    )
    file.write_text(html, encoding="utf-8")
    browser.open(file, width=width)
    assert browser.evaluate(MARGINS) <= 0
    assert browser.evaluate("document.querySelectorAll('svg.lines path').length") > 10
    assert (browser.requests, browser.dialogs, browser.complaints) == ([], [], [])


def test_what_strangers_wrote_is_text():
    html = page(checked(fails, file=f"{EVIL}.py", notes=(EVIL,)), checked(good, file="b.py", stop="code", reason=EVIL))
    assert "<img" not in html
    assert "&lt;img src=x" in html


@pytest.mark.parametrize("update", [good, lost, fails], ids=lambda update: update.__name__)
def test_every_verdict_has_a_page(update):
    html = page(checked(update))
    assert not re.search(r'd="[^"]*(nan|inf)', html)


def test_the_line_is_marked_where_it_stands(tmp_path):
    text = "rate = 0.1\n\n\ndef climb(w, g):\n    w = w + rate * g\n    return w\n\n\nlast = 1\n"
    path, kept = str(tmp_path / "mine.py"), []
    examined(Question(path), Written(path, text), kept.append)
    del sys.modules["examined"]
    html = page(Checked.of(Question(path), Answer(diagnoses=tuple(kept)), None))
    code = html.partition('<table class="code">')[2].partition("</table>")[0]
    rows = re.findall(r'<tr class="(\w*)"><td class="n">(\d*)</td><td>(.?)</td><td><code>(.*)</code>', code)
    assert rows == [
        ("", "4", "", "def climb(w, g):"),
        ("gone", "5", "-", "    w = w + rate * g"),
        ("come", "", "+", "    w = w - rate * g"),
        ("", "6", "", "    return w"),
    ]


def test_an_unknown_rule_is_told_by_what_it_has():
    plain = told(good)
    verdict = Verdict("unknown", properties=plain["verdict"]["properties"]).as_dict()
    data = {**plain, "verdict": verdict, "expected": None}
    html = page(Checked.of(Question("mine.py"), Answer(diagnoses=(data,)), None))
    assert "no rule of the catalogue" in html
    assert "steps in proportion to the gradient" in html
    assert html.count('<svg class="lines"') == 3


def test_a_class_has_a_table_and_counts_its_mistakes():
    files = [checked(good, file="a.py"), checked(climb, file="b.py"), checked(climb, good, file="c.py")]
    seen = Outline(page(*files))
    assert "3 files: 1 right, 2 wrong, 0 unknown, 0 cannot run" in seen.text
    assert "Mistakes in 3 files" in seen.text
    assert [link for link in seen.links if link.startswith("#")] == ["#file-1", "#file-2", "#file-3"]


def test_every_entry_of_the_catalogue_has_a_picture():
    html = catalogue_page(spoken("en"))
    assert html.count('<svg class="lines"') == len(entries())
    for code in entries():
        assert f'id="{code}"' in html


def test_pictures_show_the_effect_where_it_is_seen():
    seen = {code: picture(code) for code in ("epsilon-inside-root", "uphill", "decoupled-decay")}
    assert seen["epsilon-inside-root"].gradients == "tiny"
    assert np.allclose(seen["uphill"].with_it - 1, 1 - seen["uphill"].without)
    hidden = [code for code in entries() if picture(code).apart < 1e-12]
    assert len(hidden) <= len(entries()) // 40


def test_a_chart_leaves_gaps_where_there_is_no_number():
    values = np.array([1.0, 2.0, np.nan, np.inf, 3.0, 4.0, 0.0])
    drawn = line_chart([Line("mine", values)], "gaps", log=True)
    assert drawn.count("M") == 2
    assert "nan" not in drawn
    assert line_chart([Line("mine", np.full(3, np.nan))], "nothing").count("<path") == 0
