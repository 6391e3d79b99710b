"""What the page says, read as text: everything, safely, in the same bytes."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import importlib.util
import json
import math
import re
import subprocess
import sys
from collections.abc import Sequence
from html.parser import HTMLParser

import pytest
from tests.report.made_up import HOSTILE, limit, made_up, told

from thalweg.comparison.audit import Stamp, audit
from thalweg.comparison.outcome import Outcome
from thalweg.comparison.summary import Summary
from thalweg.comparison.verdict import verdict
from thalweg.errors import UsageError
from thalweg.formulas import catalog
from thalweg.report.chart_data import medians
from thalweg.report.numbers import rate_text
from thalweg.report.page import page

pytest.importorskip("bokeh")
pytest.importorskip("jinja2")

SECTIONS = ["verdict", "standings", "sensitivity", "curves", "heat", "differences", "tries", "data", "again"]
VOID = {"meta", "br", "wbr", "img", "link", "input"}


class Read(HTMLParser):
    """A page as a browser reads it: elements with their attributes, scripts, and text by the section it stands in."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.sections: dict[str, str] = {}
        self.cells: dict[str, list[list[str]]] = {}
        self.styles = ""
        self._open: list[str] = []
        self._section = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, given))
        if tag == "section":
            self._section = given.get("id") or ""
            self.sections[self._section] = ""
        if tag == "script":
            self.scripts.append((given, ""))
        if tag == "tr":
            self.cells.setdefault(self._section, []).append([])
        if tag in {"td", "th"}:
            self.cells[self._section][-1].append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if "script" in self._open:
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)
        elif "style" in self._open:
            self.styles += data
        else:
            if self._section:
                self.sections[self._section] += data
            if {"td", "th"} & set(self._open):
                self.cells[self._section][-1][-1] += data

    def charts(self) -> list[str]:
        """Return the kinds of charts, in order."""
        return [str(given["data-chart"]) for _, given in self.elements if "data-chart" in given]

    def data(self) -> dict[str, list[dict[str, object]]]:
        """Return what the scripts draw."""
        return dict(json.loads(next(text for given, text in self.scripts if given.get("id") == "chart-data")))


def names(results_names: Sequence[str]) -> list[str]:
    return sorted(results_names)


def test_stands_in_the_promised_order() -> None:
    assert list(Read(told(made_up())).sections) == SECTIONS


def test_shows_theory_beside_measurement() -> None:
    read = Read(told(made_up(survivors=0.6), [limit("momentum", 0.25), limit("adam", None)]))
    rows = [row for row in read.cells["limits"] if row[0] in {"momentum", "adam"}]
    assert [row[:2] for row in rows] == [["momentum", "about 0.25"]]
    assert {str(rule["name"]): rule["theory"] for rule in read.data()["rules"]} == {
        "adam": None,
        "gradient_descent": None,
        "momentum": 0.25,
    }
    tried = made_up(survivors=0.6).plan.rates("momentum")
    assert rows[0][2] == f"between {rate_text(tried[2])} and {rate_text(tried[3])}"


def test_holds_every_rule_at_every_rate() -> None:
    results = made_up(list(catalog.rules()), rates=4)
    read = Read(told(results))
    shown = {(row[0], row[1]) for row in read.cells["sensitivity"][1:]}
    assert shown == {(arm.name, rate_text(arm.learning_rate)) for arm in results.plan.arms}
    drawn = {(rule["name"], rate) for rule in read.data()["rules"] for rate in rule["sens"]["x"]}  # type: ignore[index]
    assert drawn == {(arm.name, arm.learning_rate) for arm in results.plan.arms}


@pytest.mark.parametrize("part", ["standings", "curves", "tries"])
def test_holds_every_rule_in_each_table(part: str) -> None:
    results = made_up(list(catalog.rules()), rates=2)
    rows = Read(told(results)).cells[part][1:]
    assert sorted(re.sub(r"^\d+ |\s[=*]", "", row[0]).strip() for row in rows) == sorted(results.plan.names)


def test_names_the_file_and_not_where_it_lies() -> None:
    read = Read(told(made_up(table="/data/someone/houses.csv", model="network 64-32")))
    text = told(made_up(table="/data/someone/houses.csv", model="network 64-32"))
    assert "<title>3 update rules on houses.csv</title>" in text
    assert "/data/someone/houses.csv" in read.sections["data"]
    assert "with a network of hidden layers 64-32" in text


def test_shows_the_test_loss_once() -> None:
    results = made_up()
    scored = tuple(
        dataclasses.replace(each, scores={"log loss": each.loss, "accuracy": 0.9}) for each in results.confirmations
    )
    head = Read(told(dataclasses.replace(results, confirmations=scored))).cells["standings"][0]
    assert "accuracy test part" in head
    assert not any("log loss" in name for name in head)


def test_is_marked_as_a_ranking_only_where_it_is_one() -> None:
    results = made_up(seeds=1)
    summary = Summary.of(results)
    stamp = audit(results, summary)
    assert not stamp.ranking
    read = Read(told(results))
    assert "Not a ranking" in read.sections["verdict"]
    for finding in stamp.findings:
        assert finding.message in read.sections["verdict"]
        assert finding.remedy in read.sections["verdict"]
    assert read.cells["standings"][1][0].strip().startswith(summary.best.name)


def test_shares_a_place_between_rules_that_cannot_be_told_apart() -> None:
    results = made_up(list(catalog.rules())[:6], rates=5, seeds=8)
    summary = Summary.of(results)
    read = Read(
        page(results, summary, Stamp(ranking=True, findings=()), verdict(results, summary, Stamp(True, ()), ()))
    )
    places = {row[0].split()[1]: int(row[0].split()[0]) for row in read.cells["standings"][1:]}
    ahead = 0
    for group in summary.ties:
        assert {places[name] for name in group} == {ahead + 1}
        ahead += len(group)
    assert len(summary.ties) > 1


def test_says_the_verdict_first() -> None:
    results = made_up()
    summary = Summary.of(results)
    stamp = audit(results, summary)
    said = verdict(results, summary, stamp, ())
    text = Read(told(results)).sections["verdict"]
    places = [text.index(line.partition(" To mend it:")[0]) for line in said.lines]
    assert places == sorted(places)


def test_loads_nothing() -> None:
    read = Read(told(made_up()))
    for tag, given in read.elements:
        assert tag not in {"link", "iframe", "object", "embed", "img", "base", "form", "audio", "video", "source"}
        for name, value in given.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in {"src", "srcset", "action", "formaction", "data", "poster", "xlink:href", "style"}, (
                tag,
                name,
            )
            assert name != "href" or str(value).startswith("#")
    assert "@import" not in read.styles
    assert "url(" not in read.styles
    assert "sourceMappingURL" not in "".join(text for _, text in read.scripts)


def test_lets_only_its_own_scripts_run() -> None:
    read = Read(told(made_up()))
    policy = next(str(given["content"]) for _, given in read.elements if given.get("http-equiv"))
    rules = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert rules["default-src"] == "'none'"
    running = [text for given, text in read.scripts if "type" not in given]
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in running}
    assert set(rules["script-src"].split()) == hashes
    assert rules["img-src"] == "data:"
    assert not {"connect-src", "font-src", "frame-src", "worker-src"} & set(rules)


@pytest.mark.parametrize("turned", [False, True])
def test_shows_hostile_names_as_they_are(turned: bool) -> None:
    names = HOSTILE[::-1] if turned else HOSTILE  # the first is the best, which labels and sentences name
    hostile = names[0]
    text = told(
        made_up(names, table=hostile, target=names[1], features=names, command=hostile, warnings=names, rates=3),
        [limit(names[2], 0.3, column=hostile)],
    )
    read = Read(text)
    plain = Read(told(made_up(rates=3)))
    assert {tag for tag, _ in read.elements} <= {tag for tag, _ in plain.elements} | {"h3", "li"}
    assert len(read.scripts) == len(plain.scripts)
    assert {rule["name"] for rule in read.data()["rules"]} == set(names)
    assert {row[0] for row in read.cells["sensitivity"][1:]} == set(names)
    assert hostile in read.sections["again"]
    assert all(name in read.sections["data"] for name in names)


def test_is_small_and_full_of_few_digits() -> None:
    text = told(made_up(list(catalog.rules())[:24], rates=16, seeds=5, epochs=2000))
    assert len(text.encode()) < 4e6
    data = next(text for given, text in Read(text).scripts if given.get("id") == "chart-data")
    numbers = re.findall(r"-?\d+\.\d+(?:e[-+]?\d+)?", data)
    assert len(numbers) > 10_000
    assert max(len(re.sub(r"e.*|[-.]", "", number).lstrip("0")) for number in numbers) <= 5


def test_thins_out_long_curves_but_keeps_their_ends() -> None:
    data = Read(told(made_up(epochs=3000))).data()
    epochs = data["epochs"]
    assert len(epochs) <= 200
    assert (epochs[0], epochs[1], epochs[-1]) == (0, 1, 3000)
    for rule in data["rules"]:
        curve = rule["curve"]
        assert len(curve["m"]) == len(epochs)  # type: ignore[index]
        assert all(len(run) == len(epochs) for run in curve["runs"])  # type: ignore[index]


def test_goes_on_with_the_last_loss_of_a_run_that_stopped_early() -> None:
    arm = made_up(["adam"], rates=1).plan.arms[0]
    record = made_up(["adam"], rates=1, epochs=3).outcomes[0].record
    runs = [Outcome(arm, 0, record, (5.0, 1.0)), Outcome(arm, 1, record, (5.0, 3.0, 2.0, 2.0))]
    lost = Outcome(arm, 2, made_up(survivors=0).outcomes[0].record, (5.0, 9.0))
    assert medians(runs, [0, 1, 2, 3]) == [5.0, 2.0, 1.5, 1.5]
    assert medians([*runs, lost, lost], [1, 3]) == [6.0, math.inf]


def test_has_the_same_bytes_in_another_process() -> None:
    code = "from tests.report.made_up import *; import sys; sys.stdout.buffer.write(told(made_up()).encode())"
    said = [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, [*sys.path, "."]))},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == told(made_up()).encode()
    assert said[0] == said[1]


CASES = {
    "one rule": ({"names": ["adam"]}, ["sensitivity", "curves", "heat", "tries"]),
    "one rate": ({"rates": 1}, ["sensitivity", "curves", "heat", "differences"]),
    "one seed": ({"seeds": 1}, ["sensitivity", "curves", "heat", "differences", "tries"]),
    "one of each": ({"names": ["adam"], "rates": 1, "seeds": 1, "epochs": 1}, ["sensitivity", "curves", "heat"]),
    "all diverged": ({"survivors": 0}, ["curves", "heat"]),
    "some diverged": ({"survivors": 0.5}, ["sensitivity", "curves", "heat", "differences", "tries"]),
    "no rates": ({"names": ["rprop"]}, ["curves"]),
    "network": ({"model": "network 64-32", "classes": 3}, ["sensitivity", "curves", "heat", "differences", "tries"]),
}


@pytest.mark.parametrize("case", CASES)
def test_draws_what_there_is_to_draw(case: str) -> None:
    made, charts = CASES[case]
    assert Read(told(made_up(**made))).charts() == charts  # type: ignore[arg-type]


def test_shows_no_number_that_is_not_one() -> None:
    for made, _ in CASES.values():
        read = Read(told(made_up(**made)))  # type: ignore[arg-type]
        for section, text in read.sections.items():
            assert not re.search(r"\b(nan|inf|None|undefined)\b", text), (section, text)


def test_draws_plain_gradient_descent_wherever_it_stands() -> None:
    rules = [name for name in catalog.rules() if name != "gradient_descent"]
    data = Read(told(made_up([*rules, "gradient_descent"], rates=2))).data()
    shown = [rule["name"] for rule in data["rules"] if rule["shown"]]
    assert len(shown) == 7
    assert "gradient_descent" in shown


def test_says_which_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    results = made_up()
    summary = Summary.of(results)
    stamp = audit(results, summary)
    said = verdict(results, summary, stamp, ())
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "bokeh" else found(name, *rest)
    )
    with pytest.raises(UsageError, match=r"a report needs Bokeh: pip install 'thalweg\[report\]'"):
        page(results, summary, stamp, said)
