"""The table of what replaces what, held against the signatures of both sides."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import sklearn.linear_model
import sklearn.neural_network

import thalweg

PAGE = (Path(__file__).parents[2] / "docs" / "replacing-scikit-learn.md").read_text(encoding="utf-8")
SECTIONS = {
    "## `SGDClassifier` and `SGDRegressor`": (
        (sklearn.linear_model.SGDClassifier, thalweg.LinearClassifier),
        (sklearn.linear_model.SGDRegressor, thalweg.LinearRegressor),
    ),
    "## `MLPClassifier` and `MLPRegressor`": (
        (sklearn.neural_network.MLPClassifier, thalweg.MLPClassifier),
        (sklearn.neural_network.MLPRegressor, thalweg.MLPRegressor),
    ),
}


def rows(heading):
    section = PAGE.partition(heading)[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \| (?:`(\w+)`|-) \|", section, flags=re.MULTILINE)


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_parameter_of_theirs_stands_in_the_table_once_and_no_other(heading):
    theirs = [set(inspect.signature(kind).parameters) for kind, _ in SECTIONS[heading]]
    assert sorted(name for name, _ in rows(heading)) == sorted(set.union(*theirs))


@pytest.mark.parametrize("heading", SECTIONS)
def test_what_replaces_it_is_a_parameter_of_ours(heading):
    for theirs, ours in SECTIONS[heading]:
        taken = set(inspect.signature(theirs).parameters)
        replacements = {new for old, new in rows(heading) if new and old in taken}
        assert replacements <= set(inspect.signature(ours).parameters)
