"""The command line in a folder of its own: what it said, how it left, what it left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from thalweg.cli import main


class Said(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


Command = Callable[..., Said]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty folder that commands run in, 80 columns wide."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.fixture
def thalweg(folder, capsys) -> Command:
    """Run a command line in this process."""

    def run(*arguments: object) -> Said:
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        code = left.value.code
        return Said(code if isinstance(code, int) else 1, said.out, said.err)

    return run


@pytest.fixture
def houses(folder) -> Path:
    """A table with text, numbers and a name with a space; ``;`` between the fields."""
    towns, lines = ["Rome", "Oslo", "Zürich"], ["town;rooms;living area;garden;price"]
    for k in range(60):
        town, rooms, garden = towns[k % 3], 1 + k % 7, "yes" if k % 2 else "no"
        area = 20 * rooms + 10 + (k * 37) % 11
        lines.append(f"{town};{rooms};{area};{garden};{1000 * area + 5000 * (k % 3) + 300 * (k % 5)}")
    path = folder / "houses.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
