from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from tests.check.subjects.gradient_files import FILES, SLIPS
from tests.report.browser import Browser
from tests.report.test_diagnosis_page import EVIL, MARGINS, Outline

from thalweg.check.checked_gradients import CheckedGradients
from thalweg.check.child.messages import Answer, Question
from thalweg.check.gradient_diagnosis import diagnose_gradients
from thalweg.check.subjects.subject import Source
from thalweg.check.wording import gradients_spoken
from thalweg.report.gradients import gradients_page
from thalweg.report.plane_chart import Trace, plane_chart

SLIP = next(slip for slip in SLIPS if slip.file == "scikit_style")
RIGHT = FILES[SLIP.file].text
WRONG = RIGHT.replace(SLIP.right, SLIP.instead, 1)


@cache
def told(text):
    scope = {"__name__": "examined"}
    exec(compile(text, "mine.py", "exec"), scope)  # noqa: S102 - our own text
    return tuple(one.as_dict() for one in diagnose_gradients(scope, Source("mine.py", text)))


def checked(text, file="mine.py", mended=True, **answer):
    diagnoses = tuple(one if mended else {**one, "mends": []} for one in told(text))
    return CheckedGradients.of(Question(file), Answer(diagnoses=diagnoses, **answer), None)


def page(*files, language="en"):
    return gradients_page(files, gradients_spoken(language), "thalweg check --gradient mine.py")


@pytest.fixture(scope="module")
def wrong():
    return page(checked(WRONG))


def test_the_page_has_verdict_cause_code_and_pictures(wrong):
    seen = Outline(wrong)
    for words in (
        "LogisticRegression in mine.py",
        "L2 in the loss only",
        "l2_loss_only",
        "those with + would be right: with them the gradient is the slope",
        "Gradient against slope",
        "How the remainder falls",
        "falls as h^1.00",
        "falls as h^2.00",
    ):
        assert words in seen.text
    assert wrong.count('<svg class="lines"') == 1 + 2  # gradient against slope in w; the remainders of w and b
    assert seen.text.count(" + self.reg * self.w") == 2  # under the cause, and in the code
    assert [wrong.count(f'<tr class="{kind}">') for kind in ("gone", "come", "look")] == [1, 1, 0]
    assert seen.text.count("w[") >= 4  # the coordinates, in the table


def test_lines_to_look_at_are_marked_where_none_is_proven():
    html = page(checked(WRONG, mended=False))
    assert "Lines with &gt; are where to look" in html
    assert [html.count(f'<tr class="{kind}">') for kind in ("gone", "come", "look")] == [0, 0, 1]


def test_the_page_stands_alone_and_is_small(wrong):
    seen = Outline(wrong)
    assert "script" not in seen.tags
    assert [link for link in seen.links if not link.startswith("#")] == []
    assert "default-src &#39;none&#39;" in wrong
    assert len(wrong) < 60_000


def test_a_right_gradient_has_remainders_and_nothing_to_look_at():
    html = page(checked(RIGHT))
    assert html.count('<svg class="lines"') == 2
    assert '<tr class="look">' not in html
    assert not re.search(r'd="[^"]*(nan|inf)', html)


def test_a_class_has_an_overview_with_links():
    html = page(checked(WRONG, "a.py"), checked(RIGHT, "b.py"), stopped())
    seen = Outline(html)
    assert "3 files: 1 right, 1 wrong, 1 unclear or cannot run" in seen.text
    assert [link for link in seen.links if link.startswith("#file")] == ["#file-1", "#file-2", "#file-3"]
    assert "L2 in the loss only" in seen.text.partition("Causes in 3 files")[2]


def stopped():
    return CheckedGradients.of(Question("c.py"), Answer(stop="code", reason=EVIL, where="c.py"), None)


def test_what_strangers_wrote_is_text():
    html = page(checked(WRONG, file=f"{EVIL}.py", notes=(EVIL,)), stopped())
    assert "<img" not in html
    assert "&lt;img src=x" in html


def test_the_page_speaks_chinese():
    html = page(checked(WRONG), language="zh")
    assert '<html lang="zh-Hans"' in html
    text = Outline(html).text
    headings = re.findall(r"<h[123][^>]*>(.*?)</h", html)
    assert all(re.search(r"[\u4e00-\u9fff]", heading) for heading in headings), headings
    assert "L2 只在损失里" in text


@pytest.mark.parametrize("width", [400, 1280])
def test_in_a_browser_it_fits_and_asks_for_nothing(browser: Browser, file: Path, width: int):
    html = page(checked(WRONG, file=f"{'long_name_' * 6}.py"), checked(RIGHT))
    file.write_text(html.replace("<details", "<details open"), encoding="utf-8")
    browser.open(file, width=width)
    assert browser.evaluate(MARGINS) <= 0
    assert browser.evaluate("document.querySelectorAll('svg.lines circle').length") > 20
    assert (browser.requests, browser.dialogs, browser.complaints) == ([], [], [])


def test_points_without_numbers_are_left_out_and_far_ones_cut_off():
    x = np.array([1.0, 2.0, np.nan, 3.0])
    drawn = plane_chart([Trace("mine", x, np.array([0.0, 1e-3, 1.0, np.inf]), titles="abcd")], "a", "h", log=True)
    assert drawn.count("<circle") == 1
    assert "<title>b</title>" in drawn
