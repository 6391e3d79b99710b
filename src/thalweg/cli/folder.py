"""The folder that a comparison leaves: which files in it are its own, and how they are written."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from thalweg.errors import StorageError

if TYPE_CHECKING:
    from rich.console import Console

RECORDS, LEADERBOARD = "records.jsonl", "leaderboard.txt"
_BEGINNING = b'{"comparison": {'  # of the records


def check_ours(folder: Path, names: Iterable[str] = (RECORDS, LEADERBOARD)) -> None:
    """Find out before any work whether a folder can take what a comparison leaves.

    Raises
    ------
    StorageError
        It cannot be written, or holds a file of one of these names that no comparison left there.
    """
    from thalweg.exchange.files import check_folder
    from thalweg.exchange.tables.cells import shown

    check_folder(folder)
    there = [name for name in names if (folder / name).exists()]
    if there and not _is_of_a_comparison(folder / RECORDS):
        what = f"holds a file {there[0]} that no comparison left there"
        raise StorageError("FILE-WRITE", shown(str(folder), 200), what, "Name another folder with --output.")


def _is_of_a_comparison(records: Path) -> bool:
    """Tell whether a file begins as the records of a comparison do."""
    try:
        with records.open("rb") as file:
            return file.read(len(_BEGINNING)) == _BEGINNING
    except OSError:
        return False


def leave(folder: Path, records: Iterable[str], show: Callable[[Console], None]) -> None:
    """Leave records, a line each, and what was shown on the screen, in 80 columns.

    The records come first: by them the folder is known again, also after an interrupt.
    """
    from rich.console import Console

    from thalweg.exchange.files import atomic_write

    text = io.StringIO()
    show(Console(file=text, width=80, no_color=True, highlight=False))
    atomic_write(folder / RECORDS, "".join(f"{line}\n" for line in records).encode())
    atomic_write(folder / LEADERBOARD, text.getvalue().encode())
