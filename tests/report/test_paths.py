from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("contourpy", reason="the extra `report` is not installed")
pytest.importorskip("jinja2", reason="the extra `report` is not installed")

from tests.report.browser import CHROMIUM, Browser

from thalweg.comparison.paths import Paths
from thalweg.comparison.surface_paths import descend_surface
from thalweg.formulas import catalog, surfaces
from thalweg.formulas.rules import adam, gradient_descent, momentum, rprop
from thalweg.formulas.surfaces import Surface
from thalweg.report.contours import Levels, View, ticks
from thalweg.report.paths import paths_page, paths_section
from thalweg.report.paths_data import paths_data, signs

HOSTILE = "</script><img src=x onerror=alert(1)>{{ 7 * 7 }}\"'"
RULES = {
    "adam": adam,
    "momentum": momentum,
    "rprop": rprop,
    "gradient_descent": gradient_descent,
    HOSTILE: adam(beta1=0.5),
}
STEPS = 60


@pytest.fixture(scope="module")
def paths() -> Paths:
    """Five rules on Rosenbrock's valley; the large rates diverge."""
    return descend_surface(surfaces.rosenbrock, RULES, [0.001, 0.01, 1.0], steps=STEPS)


@pytest.fixture(scope="module")
def page(paths) -> str:
    return paths_page(paths, f"thalweg compare {HOSTILE}")


def decoded(text: str, columns: int) -> np.ndarray:
    """Read what ``signs`` wrote, written anew."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    found, value, shift = [], 0, 0
    for sign in text:
        bits = alphabet.index(sign)
        value |= (bits & 31) << shift
        shift += 5
        if bits < 32:
            found.append(-(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    return np.cumsum(np.array(found).reshape(-1, columns), axis=0)


def data_of(text: str) -> dict:
    """Return the data of a page."""
    return json.loads(re.search(r'class="paths-data">(.*?)</script>', text, re.DOTALL)[1])


def test_numbers_come_back_as_they_went():
    generator = np.random.default_rng(0)
    whole = np.rint(generator.normal(size=(300, 2)) * 10.0 ** generator.integers(0, 9, (300, 2))).astype(np.int64)
    np.testing.assert_array_equal(decoded(signs(whole), 2), whole)


def test_what_stands_still_at_the_end_is_not_written():
    assert signs(np.array([[3, 1], [4, 1], [4, 1], [4, 1]])) == signs(np.array([[3, 1], [4, 1]]))
    assert signs(np.array([[3, 1], [3, 1]])) == signs(np.array([[3, 1]]))


def test_the_page_holds_every_point_to_four_digits_and_every_value_to_three(page, paths):
    data = data_of(page)
    assert [rule["name"] for rule in data["rules"]] == [standing.name for standing in paths.standings]
    (x0, y0), (x1, y1) = data["low"], data["high"]
    for rule in data["rules"]:
        written, tried = rule["rates"], paths.of(rule["name"])
        assert len(written) == len(tried)
        assert tried[rule["best"]] is next(s.path for s in paths.standings if s.name == rule["name"])
        for one, path in zip(written, tried, strict=True):
            assert (one["n"], one["lost"]) == (len(path.points) - 1, path.diverged)
            places = decoded(one["p"], 2) / (data["unit"] * data["width"])
            points = np.column_stack([x0 + places[:, 0] * (x1 - x0), y1 - places[:, 1] * (y1 - y0)])
            near = (np.abs(path.points[: len(points)]) < 4).all(axis=1)
            assert np.abs(points - path.points[: len(points)])[near].max() <= 0.51e-4 * (x1 - x0)
            values = data["minimum"] + data["above"] * 10 ** (decoded(one["v"], 1)[:, 0] / data["digits"])
            np.testing.assert_allclose(values, path.values[: len(values)], rtol=5e-4)


def test_a_step_far_out_leaves_the_picture_in_its_own_direction():
    found = descend_surface(surfaces.rosenbrock, {"gd": gradient_descent}, [0.5], steps=9)
    view = View(found)
    (rule,) = paths_data(view, found.standings)["rules"]
    (path,) = found.paths
    assert np.abs(path.points[1]).max() > 20 * 4
    places = decoded(rule["rates"][0]["p"], 2) / 10
    true, drawn = np.diff(view.place(path.points[:2]), axis=0)[0], places[1] - places[0]
    assert true @ drawn / np.linalg.norm(true) / np.linalg.norm(drawn) == pytest.approx(1, abs=1e-6)
    assert np.abs(places).max() <= 21_000


@pytest.mark.parametrize("name", sorted(catalog.surfaces()))
def test_a_page_of_all_rules_is_small(name):
    found = descend_surface(catalog.find("surface", name), catalog.rules(), 9, steps=200)
    assert len(paths_page(found)) < 600_000


def test_where_there_is_no_room_rates_far_from_the_best_are_left_out_and_this_is_said(monkeypatch):
    monkeypatch.setattr("thalweg.report.paths_data.MOST_SIGNS", 20_000)
    rules = {f"adam{k}": adam(beta1=k / 40) for k in range(10)}
    found = descend_surface(surfaces.rastrigin, rules, list(np.geomspace(1e-3, 10, 13)), steps=100)
    section = paths_section(found)
    data = data_of(section.html)
    drawn = sum(len(rule["rates"]) for rule in data["rules"])
    assert drawn < len(found.paths)
    assert f"{len(found.paths) - drawn} paths at rates far from the best are left out" in section.html
    assert sum(len(one["p"]) + len(one["v"]) for rule in data["rules"] for one in rule["rates"]) <= 20_000
    for rule, standing in zip(data["rules"], found.standings, strict=True):
        assert float(rule["rates"][rule["best"]]["rate"]) == pytest.approx(standing.learning_rate, rel=1e-2)


def test_of_paths_too_long_for_a_page_one_in_so_many_updates_is_drawn(monkeypatch):
    monkeypatch.setattr("thalweg.report.paths_data.MOST_SIGNS", 3000)
    found = descend_surface(surfaces.rastrigin, {"a": adam, "b": adam(beta1=0.5)}, [1.0, 3.0], steps=701)
    section = paths_section(found)
    data = data_of(section.html)
    stride = data["stride"]
    assert stride > 1
    assert f"One in {stride} updates is drawn." in section.html
    assert sum(len(rule["rates"]) for rule in data["rules"]) == 2
    rule, path = data["rules"][0], found.standings[0].path
    places = decoded(rule["rates"][0]["p"], 2) / 10
    kept = path.points[[*range(0, 701, stride), 701]]
    assert rule["rates"][0]["n"] == len(kept) - 1
    inside = (np.abs(kept) < 5).all(axis=1)[: len(places)]
    np.testing.assert_allclose(places[inside], View(found).place(kept)[: len(places)][inside], atol=0.051)


def test_the_leaderboard_is_open_where_there_is_no_other(page, paths):
    assert '<details class="paths-table" open>' in page
    assert '<details class="paths-table">' in paths_section(paths).html


def test_the_order_of_the_page_around_is_kept_and_the_best_still_marked(paths):
    ranked = [standing.name for standing in paths.standings]
    section = paths_section(paths, order=[ranked[3], ranked[1]])
    names = [rule["name"] for rule in data_of(section.html)["rules"]]
    assert names == [ranked[3], ranked[1], ranked[0], ranked[2], ranked[4]]
    assert re.findall(r'<tr class="best"><th scope="row">(.*?) <span', section.html) == [
        html.escape(ranked[0], quote=False)
    ]


def test_the_same_paths_make_the_same_page(paths, page):
    assert paths_page(paths, f"thalweg compare {HOSTILE}") == page


def test_names_are_text(page):
    assert "<img" not in page
    assert "onerror=alert" in html.unescape(page)
    assert "{{ 7 * 7 }}" in html.unescape(page)
    assert page.count("</script>") == 2
    assert not re.search(r"\son\w+=[^a]", page.partition("<main>")[2].partition("<script")[0].replace("onerror", ""))


def test_only_its_own_script_may_run_and_nothing_is_fetched(page):
    script = page.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1])
    assert f"script-src 'sha256-{digest}';" in policy
    assert "default-src 'none'" in policy
    assert not re.search(r'(src|href)="(?!#)', page)
    assert "url(" not in page


def test_the_leaderboard_stands_in_the_page(page, paths):
    rows = re.findall(r'<tr[^>]*><th scope="row">(.*?)</tr>', page)
    assert len(rows) == len(RULES)
    best = paths.standings[0]
    assert html.unescape(rows[0]).startswith(f'{best.name} <span class="star">*</span></th><td class="n">')
    for row, standing in zip(rows, paths.standings, strict=True):
        assert f">{standing.path.ends}<" in row
        assert f">{standing.diverged}/{standing.tried}<" in row


@pytest.mark.parametrize("name", sorted(catalog.surfaces()))
def test_levels_rise_within_the_values_and_their_shapes_hold_what_is_higher(name):
    found = descend_surface(catalog.find("surface", name), {"gd": gradient_descent}, [1e-3], steps=2)
    levels, view = Levels(found), View(found)
    assert 7 <= len(levels.values) <= 14
    assert levels.values == sorted(set(levels.values))
    assert found.values.min() < levels.values[0]
    assert levels.values[-1] < found.values.max()
    cell = 0.5 * 1000 * view.height / found.values.size  # half of the area around a point of the grid
    for shape, level in zip(levels.shapes(view), levels.values, strict=True):
        share = area(shape) / (1000 * view.height)
        assert share == pytest.approx((found.values > level).mean(), abs=0.012 + cell / 1e6)


def area(shape: str) -> float:
    """Return the area of an outline in the units of the picture; holes run the other way."""
    total = 0.0
    for ring in shape.strip("M").removesuffix("z").split("zM"):
        numbers = [int(n) for n in re.findall(r"-?\d+", ring)]
        steps = np.array(numbers).reshape(-1, 2)
        x, y = np.cumsum(steps, axis=0).T / 10
        total += float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
    return abs(total)


def test_zero_is_a_level_where_values_pass_it():
    found = descend_surface(surfaces.saddle, {"gd": gradient_descent}, [1e-3], steps=2)
    assert 0.0 in Levels(found).values
    assert Levels(found).values[0] < 0


@pytest.mark.parametrize(("low", "high"), [(-2.0, 2.0), (0.0, 1e-7), (-4.5, 4.5), (3.02e5, 3.11e5), (-0.13, 7.2)])
def test_ticks_are_few_round_numbers_inside(low, high):
    found = ticks(low, high)
    assert 3 <= len(found) <= 8
    assert low <= found[0]
    assert found[-1] <= high
    assert np.ptp(np.diff(found)) < 1e-6 * (high - low)


def test_a_surface_with_one_flat_axis_and_no_minimum_is_drawn():
    def value(x):
        return np.asarray(x)[..., 0] * 1.0

    def gradient(x):
        x = np.asarray(x)
        return np.stack([np.ones_like(x[..., 0]), np.zeros_like(x[..., 0])], axis=-1)

    slope = Surface("slope", value, gradient, (), -5.0, (0.0, 0.0), ((-5.0, 5.0), (-1.0, 1.0)), "No minimum.")
    found = descend_surface(slope, {"gd": gradient_descent}, [0.01], steps=5)
    text = paths_page(found)
    assert "minimum</li>" not in text
    assert "the axes have different scales" in text


# -- in a browser

in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture
def opened(chromium, page, tmp_path) -> Browser:
    file = tmp_path / "paths.html"
    file.write_text(page, encoding="utf-8")
    show(chromium, file)
    return chromium


def show(browser: Browser, file: Path, width: int = 900, *, dark: bool = False) -> None:
    """Open a page and wait until its paths stand."""
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    browser.send("Emulation.setEmulatedMedia", media="", features=[scheme])
    browser.send("Page.navigate", url=file.resolve().as_uri())
    browser.wait("document.readyState === 'complete' && document.querySelector('.paths[data-playing]')")


def clear(browser: Browser) -> None:
    assert (browser.requests, browser.dialogs, browser.complaints) == ([], [], [])


def drawn(rule: int) -> str:
    """Return what tells the length of a rule's line."""
    return f"document.querySelector('.paths-lines g[data-rule=\"{rule}\"] .line').getAttribute('d').length"


@in_a_browser
def test_it_opens_standing_still_at_the_end_and_asks_for_nothing(opened, paths):
    assert opened.evaluate("document.querySelector('.paths').dataset.step") == str(STEPS)
    assert opened.evaluate("document.querySelector('.paths').dataset.playing") == "false"
    assert opened.evaluate("document.querySelectorAll('.paths-lines g').length") == len(RULES)
    names = opened.evaluate("[...document.querySelectorAll('.paths-rules label span')].map(e => e.textContent)")
    assert names == [standing.name for standing in paths.standings]
    clear(opened)


@in_a_browser
def test_play_moves_the_step_and_pause_holds_it(opened):
    opened.evaluate("document.querySelector('.paths-speed').value = '4'")
    opened.evaluate("document.querySelector('.paths-play').click()")
    opened.wait("Number(document.querySelector('.paths').dataset.step) > 3")
    opened.evaluate("document.querySelector('.paths-play').click()")
    held = opened.evaluate("document.querySelector('.paths').dataset.step")
    assert 3 < int(held) < STEPS
    opened.evaluate("new Promise(done => setTimeout(done, 300))")
    assert opened.evaluate("document.querySelector('.paths').dataset.step") == held
    assert opened.evaluate("document.querySelector('.paths-scrubber').value") == held
    opened.evaluate("document.querySelector('.paths-play').click()")
    opened.wait(f"document.querySelector('.paths').dataset.step === '{STEPS}'")
    opened.wait("document.querySelector('.paths').dataset.playing === 'false'")
    clear(opened)


@in_a_browser
def test_the_scrubber_draws_as_far_as_it_stands_also_with_keys(opened):
    whole = opened.evaluate(drawn(0))
    opened.evaluate("document.querySelector('.paths-scrubber').focus()")
    opened.press("Home", 36)
    assert opened.evaluate("document.querySelector('.paths').dataset.step") == "0"
    start = opened.evaluate(drawn(0))
    for _ in range(5):
        opened.press("ArrowRight", 39)
    assert (
        opened.evaluate("document.querySelector('.paths-scrubber').getAttribute('aria-valuetext')")
        == f"step 5 of {STEPS}"
    )
    assert start < opened.evaluate(drawn(0)) < whole
    opened.press("End", 35)
    assert opened.evaluate(drawn(0)) == whole
    clear(opened)


@in_a_browser
def test_values_and_heads_follow_the_step(opened, paths):
    opened.evaluate("""(() => {
        const bar = document.querySelector('.paths-scrubber');
        bar.value = 7;
        bar.dispatchEvent(new Event('input'));
    })()""")
    shown = opened.evaluate("[...document.querySelectorAll('.paths-rules .value')].map(e => e.textContent)")
    for text, standing in zip(shown, paths.standings, strict=True):
        assert float(text) == pytest.approx(standing.path.values[7], rel=6e-3)
    place = opened.evaluate("document.querySelector('.paths-lines g[data-rule=\"0\"] .head').getAttribute('transform')")
    x, y = (float(n) for n in re.match(r"translate\((\S+) (\S+)\)", place).groups())
    np.testing.assert_allclose([x, y], View(paths).place(paths.standings[0].path.points[7:8])[0], atol=0.051)


@in_a_browser
def test_rules_can_be_hidden_and_rates_chosen(opened, paths):
    visible = (
        "[...document.querySelectorAll('.paths-lines g')].filter(g => g.getAttribute('display') !== 'none').length"
    )
    opened.evaluate("document.querySelector('[data-paths=none]').click()")
    assert opened.evaluate(visible) == 0
    opened.evaluate("document.querySelectorAll('.paths-rules input')[1].click()")
    assert opened.evaluate(visible) == 1
    opened.evaluate("document.querySelector('[data-paths=all]').click()")
    assert opened.evaluate(visible) == len(RULES)
    names = [standing.name for standing in paths.standings]
    place = names.index("gradient_descent")
    opened.evaluate(f"""(() => {{
        const list = document.querySelector('.paths-rules li[data-rule="{place}"] select');
        list.value = '2';
        list.dispatchEvent(new Event('change'));
    }})()""")
    lost = paths.of("gradient_descent")[2].diverged
    told = f"document.querySelectorAll('.paths-rules .value')[{place}].textContent"
    assert opened.evaluate(told) == f"lost at {lost}"
    assert opened.evaluate("document.querySelector('.paths-rates').value") == ""
    opened.evaluate("""(() => {
        const list = document.querySelector('.paths-rates');
        list.value = '0';
        list.dispatchEvent(new Event('change'));
    })()""")
    assert opened.evaluate(told) != f"lost at {lost}"
    clear(opened)


@in_a_browser
def test_every_rule_that_is_shown_has_a_colour_dashes_and_a_mark_of_its_own(opened):
    styles = opened.evaluate("""[...document.querySelectorAll('.paths-lines g:not(.grey)')].map(g => [
        g.querySelector('.line').style.stroke, g.querySelector('.line').style.strokeDasharray,
        g.querySelector('.head').getAttribute('d')])""")
    assert len(styles) == len(RULES)
    for column in zip(*styles, strict=True):
        assert len(set(column)) == len(RULES)


@in_a_browser
def test_resting_on_a_point_tells_rule_step_and_value(opened, paths):
    opened.evaluate("document.querySelector('[data-paths=none]').click()")
    place = [standing.name for standing in paths.standings].index(HOSTILE)
    opened.evaluate(f"document.querySelectorAll('.paths-rules input')[{place}].click()")
    path = paths.standings[place].path
    x, y = (View(paths).place(path.points[3:4])[0] / [1000, View(paths).height]).tolist()
    box = opened.evaluate("""(() => {
        document.querySelector('.paths-frame').scrollIntoView();
        const box = document.querySelector('.paths-frame svg').getBoundingClientRect();
        return [box.x, box.y, box.width, box.height];
    })()""")
    opened.move(box[0] + x * box[2], box[1] + y * box[3])
    opened.wait("!document.querySelector('.paths-tip').hidden")
    said = opened.evaluate("document.querySelector('.paths-tip').innerText").splitlines()
    assert said[0] == f"{HOSTILE} at {path.arm.learning_rate:.3g}"
    assert said[1] == "step 3"
    assert float(said[3].removeprefix("value ")) == pytest.approx(path.values[3], rel=1e-3)
    assert opened.evaluate("document.querySelectorAll('main img').length") == 0
    clear(opened)


@in_a_browser
@pytest.mark.parametrize("width", [360, 900, 1600])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_wider_than_the_window(chromium, page, tmp_path, width, dark):
    file = tmp_path / "paths.html"
    file.write_text(page, encoding="utf-8")
    show(chromium, file, width, dark=dark)
    assert chromium.evaluate("document.documentElement.scrollWidth") <= width
    frame = chromium.evaluate("document.querySelector('.paths-frame').clientWidth")
    assert frame > 0.6 * min(width, 1000)
    mark = "new DOMMatrix(getComputedStyle(document.querySelector('.paths-frame .paths-marks g')).transform).a"
    assert chromium.evaluate(mark) * frame / 1000 == pytest.approx(0.8 if width < 420 else 1.0, rel=0.03)
    clear(chromium)


@in_a_browser
def test_paper_shows_the_whole_paths(opened):
    whole = opened.evaluate(drawn(0))
    opened.evaluate("document.querySelector('.paths-scrubber').focus()")
    opened.press("Home", 36)
    opened.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert opened.evaluate(drawn(0)) == whole
    opened.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert opened.evaluate("document.querySelector('.paths').dataset.step") == "0"
    assert opened.pdf().startswith(b"%PDF")
    clear(opened)
