from __future__ import annotations

import io
import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.cli.terminal import digits, progress


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (1.0, "1.00"),
        (9.996, "10.00"),
        (53.25, "53.2"),
        (1234.5, "1234"),
        (123456.0, "123456"),
        (1e6, "1e+06"),
        (0.1, "0.100"),
        (0.0316, "0.0316"),
        (0.00012345, "0.000123"),
        (0.000012345, "1.23e-05"),
        (-0.5, "-0.500"),
        (-math.inf, "-∞"),
        (math.nan, "-"),
        (None, "-"),
    ],
)
def test_numbers_have_sensible_digits(value, shown):
    assert digits(value) == shown


@given(st.floats(-1e300, 1e300, allow_subnormal=False), st.integers(2, 5))
def test_what_is_shown_is_the_number_to_its_digits(value, count):
    assert float(digits(value, count)) == pytest.approx(value, rel=0.51 * 10 ** (1 - count), abs=1e-300)


def test_every_stage_is_seen_however_short_it_is(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    with progress(3, "training", no_color=True) as show:
        for done, (text, stage) in enumerate([("first", "training"), ("second", "timing"), ("third", "testing")]):
            show(done, text, 3, stage)
    said = sys.stderr.getvalue()
    for text, stage in (("first", "training"), ("second", "timing"), ("third", "testing")):
        assert any(
            line.startswith(stage) and line.rstrip().endswith(text)
            for line in said.replace("\x1b[2K", "\r").split("\r")
        )
