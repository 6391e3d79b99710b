"""The page in a browser with the network cut: it draws, answers, and runs nothing that it was not given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.report.browser import Browser
from tests.report.made_up import HOSTILE, limit, made_up, told

from thalweg.comparison.summary import Summary
from thalweg.comparison.surface_paths import descend_surface
from thalweg.formulas import catalog
from thalweg.formulas.surfaces import quadratic

pytest.importorskip("bokeh")
pytest.importorskip("jinja2")

CHART = "document.getElementById('sensitivity-chart')"
READOUT = "document.getElementById('readout')"
#: What Bokeh draws, chart by chart: [kind, how many glyphs are visible].
DRAWN = """Bokeh.documents.map((d) => d.roots()[0]).map((f) => f.renderers.filter((r) => r.visible).length)"""
LABELS = "Bokeh.documents.map((d) => d.roots()[0].below[0].axis_label_text_color)"


def opened(browser: Browser, file: Path, text: str, **how: Any) -> Browser:
    file.write_text(text, encoding="utf-8")
    browser.open(file, **how)
    return browser


def quiet(browser: Browser) -> bool:
    assert browser.requests == []
    assert browser.dialogs == []
    assert browser.complaints == []
    return True


def test_asks_for_nothing_and_complains_of_nothing(browser: Browser, file: Path) -> None:
    text = told(made_up(list(catalog.rules()), rates=6, survivors=0.7), [limit("momentum", 0.3)])
    opened(browser, file, text)
    assert quiet(browser)
    assert browser.evaluate("performance.getEntriesByType('resource').length") == 0
    assert all(count > 0 for count in browser.evaluate(DRAWN))


def test_notices_a_page_that_asks(browser: Browser, file: Path) -> None:
    """The other tests stand on this one: what is forbidden is seen."""
    text = "<html data-charts=drawn><img src=http://example.invalid/x.png><script>alert(1); nowhere()</script>"
    opened(browser, file, text)
    browser.wait("document.images[0].complete")
    assert browser.requests == ["http://example.invalid/x.png"]
    assert browser.dialogs == ["1"]
    assert any("nowhere" in complaint for complaint in browser.complaints)


def test_runs_nothing_from_names(browser: Browser, file: Path) -> None:
    name = HOSTILE[0]
    hostile = made_up(HOSTILE, rates=4, table=name, target=name, features=HOSTILE, command=name, warnings=HOSTILE)
    opened(browser, file, told(hostile, [limit(name, 0.2, column=name)]))
    browser.evaluate("document.querySelector('[data-show=all]').click()")
    seen = set()
    for _ in HOSTILE:  # every rule is read out
        browser.evaluate(f"{CHART}.dispatchEvent(new KeyboardEvent('keydown', {{key: 'ArrowDown'}}))")
        seen.add(browser.evaluate(f"{READOUT}.querySelector('b').textContent"))
    assert seen == set(HOSTILE)
    assert browser.evaluate("document.images.length") == 0
    assert browser.evaluate("({}).polluted === undefined && document.querySelectorAll('b').length") == 1
    assert quiet(browser)


def test_draws_paths_beside_its_own_charts(browser: Browser, file: Path) -> None:
    rules = {name: catalog.rules()[name] for name in ("adam", "gradient_descent", "momentum")}
    paths = descend_surface(quadratic(10), rules, 3, steps=30)
    opened(browser, file, told(made_up(), paths=paths))
    assert browser.evaluate("document.querySelectorAll('#paths svg path').length") > 3
    assert all(count > 0 for count in browser.evaluate(DRAWN))
    assert quiet(browser)


def test_blocks_a_script_that_was_slipped_in(browser: Browser, file: Path) -> None:
    text = told(made_up()).replace("</main>", "<script>alert(1)</script><img src=x onerror=alert(2)></main>")
    opened(browser, file, text)
    assert browser.dialogs == []
    assert any("Content Security Policy" in complaint for complaint in browser.complaints)


def test_button_of_a_rule_shows_and_hides_it_in_all_charts(browser: Browser, file: Path) -> None:
    opened(browser, file, told(made_up(list(catalog.rules()), rates=4)))
    before = browser.evaluate(DRAWN)
    browser.evaluate("document.querySelector('[data-rule][aria-pressed=true]').click()")
    hidden = browser.evaluate(DRAWN)
    # sensitivity, curves and tries lose the rule; heat map and differences hold all rules always
    assert [a > b for a, b in zip(before, hidden, strict=True)] == [True, True, False, False, True]
    pressed = "document.querySelectorAll('[data-rule][aria-pressed=true]').length"
    browser.evaluate("document.querySelector('[data-show=all]').click()")
    assert all(a >= b for a, b in zip(browser.evaluate(DRAWN), before, strict=True))
    assert browser.evaluate(pressed) == len(catalog.rules())
    browser.evaluate("document.querySelector('[data-show=none]').click()")
    assert browser.evaluate(pressed) == 0
    assert quiet(browser)


def test_looks_closer_at_the_best_losses_and_back(browser: Browser, file: Path) -> None:
    results = made_up(survivors=0.7)
    summary = Summary.of(results)
    opened(browser, file, told(results))
    ranges = "Bokeh.documents.map((d) => d.roots()[0].y_range).map((range) => [range.start, range.end])"
    whole = browser.evaluate(ranges)
    browser.evaluate("document.querySelector('[data-zoom=near]').click()")
    near = browser.evaluate(ranges)
    top = summary.best.median + 0.1 * (summary.start - summary.best.median)
    for kind in (1, 4):  # curves and tries: no strip of divergence above
        assert near[kind][1] == pytest.approx(top, rel=1e-3)
        assert near[kind][0] < summary.best.median
    assert near[0][1] > top
    assert [near[2], near[3]] == [whole[2], whole[3]]
    strip = "Bokeh.documents[0].roots()[0].renderers.map((r) => r.data_source.data).find((d) => 'top' in d)"
    assert browser.evaluate(f"{strip}.bottom[0]") == pytest.approx(top, rel=1e-3)
    browser.evaluate("document.querySelector('[data-zoom=whole]').click()")
    assert browser.evaluate(ranges) == whole
    assert browser.evaluate("document.querySelectorAll('[data-zoom][aria-pressed=true]').length") == 1
    assert quiet(browser)


def test_is_used_with_the_keyboard_alone(browser: Browser, file: Path) -> None:
    opened(browser, file, told(made_up()))
    browser.press("Tab", 9)
    assert browser.evaluate("document.activeElement.className") == "skip"
    reached = []
    for _ in range(80):
        browser.press("Tab", 9)
        reached.append(browser.evaluate("(({rule, chart}) => rule ?? chart ?? '')(document.activeElement.dataset)"))
    assert {"0", "1", "2", "sensitivity", "curves", "heat", "differences", "tries"} <= set(reached)
    browser.evaluate("document.querySelector('[data-rule]').focus()")
    browser.press(" ", 32, " ")
    assert browser.evaluate("document.querySelector('[data-rule]').getAttribute('aria-pressed')") == "false"
    assert browser.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_arrow_keys_tell_the_values_of_the_table(browser: Browser, file: Path) -> None:
    opened(browser, file, told(made_up(["adam", "momentum"], rates=3)))
    browser.evaluate(f"{CHART}.focus()")
    rows = (
        "[...document.querySelectorAll('#sensitivity tbody tr')].map((r) => [...r.children].map((c) => c.textContent))"
    )
    for name, rate, median, *_ in browser.evaluate(rows)[:3]:
        browser.press("ArrowRight", 39)
        said = browser.evaluate(f"{READOUT}.innerText")
        assert said.splitlines()[:2] == [name, f"rate {rate}"]
        assert float(said.splitlines()[2].removeprefix("loss ")) == pytest.approx(float(median), rel=1e-3)
    browser.press("Escape", 27)
    assert browser.evaluate(f"{READOUT}.hidden") is True


def test_pointer_tells_the_value_under_it(browser: Browser, file: Path) -> None:
    opened(browser, file, told(made_up(["adam"], rates=5)), width=1000)
    browser.evaluate("document.querySelector('#curves').scrollIntoView({block: 'start'})")
    left, top, width = browser.evaluate(
        "(({left, top, width}) => [left, top, width])(document.getElementById('curves-chart').getBoundingClientRect())"
    )
    said = ""
    for step in range(10, 390, 10):
        browser.move(left + width / 2, top + step)
        if not browser.evaluate(f"{READOUT}.hidden"):
            said = browser.evaluate(f"{READOUT}.innerText")
            break
    assert said.splitlines()[0] == "adam"
    assert said.splitlines()[1].startswith("epoch ")


@pytest.mark.parametrize("width", [360, 900, 1600])
def test_fits_its_window(browser: Browser, file: Path, width: int) -> None:
    results = made_up([*list(catalog.rules())[:12], "a_rule_with_a_name_that_is_longer_than_most_names_are"], rates=5)
    opened(browser, file, told(results), width=width)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    charts = browser.evaluate("[...document.querySelectorAll('.chart')].map((c) => c.querySelector('*').offsetWidth)")
    assert all(0.5 * 250 < chart <= width for chart in charts)


def test_shrinks_with_its_window(browser: Browser, file: Path) -> None:
    opened(browser, file, told(made_up()), width=1600)
    browser.send("Emulation.setDeviceMetricsOverride", width=400, height=800, deviceScaleFactor=1, mobile=False)
    widths = "[...document.querySelectorAll('.chart')].map((c) => c.querySelector('*').offsetWidth)"
    browser.wait(f"{widths}.every((width) => width < 400)")
    assert browser.evaluate("document.documentElement.scrollWidth") <= 400


def test_follows_the_page_into_the_dark_and_back(browser: Browser, file: Path) -> None:
    opened(browser, file, told(made_up()), dark=True)
    dark = browser.evaluate(LABELS)
    browser.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light"}])
    browser.wait(f"{LABELS}[0] !== '{dark[0]}'")
    light = browser.evaluate(LABELS)
    ink = browser.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ink').trim()")
    assert len(set(light)) == len(set(dark)) == 1
    assert light[0] == ink


def test_leaves_drawings_for_the_printer_on_white(browser: Browser, file: Path) -> None:
    opened(browser, file, told(made_up()), dark=True)
    dark = browser.evaluate(LABELS)[0]
    browser.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    drawings = browser.evaluate("[...document.querySelectorAll('.print-copy svg')].map((svg) => svg.innerHTML)")
    assert len(drawings) == 5
    assert all("learning rate" in drawing or "epoch" in drawing or "difference" in drawing for drawing in drawings)
    assert not any(dark in drawing for drawing in drawings)
    browser.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert browser.evaluate("document.querySelectorAll('.print-copy').length") == 0
    assert browser.evaluate(LABELS)[0] == dark
    assert browser.pdf().startswith(b"%PDF")


def test_no_two_rules_differ_by_colour_alone(browser: Browser, file: Path) -> None:
    opened(browser, file, told(made_up(list(catalog.rules()), rates=3)))
    signs = browser.evaluate(
        "[...document.querySelectorAll('[aria-pressed=true] svg')].map((svg) => [svg.firstChild, svg.lastChild]).map("
        "([a, b]) => [a.getAttribute('stroke'), a.getAttribute('stroke-dasharray'), b.getAttribute('d')])"
    )
    assert len(signs) == 7
    assert len({colour for colour, _, _ in signs}) == 7
    assert len({mark for _, _, mark in signs}) == 7
    assert len({dash for _, dash, _ in signs}) >= 6


@pytest.mark.parametrize("case", ["one of each", "all diverged", "no rates", "one seed"])
def test_draws_the_odd_ones(browser: Browser, file: Path, case: str) -> None:
    odd: dict[str, dict[str, Any]] = {
        "one of each": {"names": ["adam"], "rates": 1, "seeds": 1, "epochs": 1},
        "all diverged": {"survivors": 0},
        "no rates": {"names": ["rprop"]},
        "one seed": {"seeds": 1},
    }
    opened(browser, file, told(made_up(**odd[case])))
    assert quiet(browser)
    assert all(count > 0 for count in browser.evaluate(DRAWN))
