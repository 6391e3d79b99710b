"""What the tests of the page share: a browser, and a page opened in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.report.browser import CHROMIUM, Browser


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser that never reaches a network."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    with Browser() as browser:
        yield browser


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    """The same, with nothing noted yet."""
    chromium.forget()
    return chromium


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a page goes."""
    return tmp_path / "report.html"
