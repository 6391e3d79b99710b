"""The text of a file that is to be examined."""

from __future__ import annotations

import codecs
import io
import tokenize
from pathlib import Path

from thalweg.check.notebooks import joined
from thalweg.check.written import NotCodeError, Written, check_syntax

LARGEST = 16 << 20
"""Bytes that a file may have: notebooks carry their pictures."""

_STARTS = (
    (b"\x89PNG", "a picture (PNG)"), (b"%PDF", "a PDF"), (b"PK\x03\x04", "a ZIP archive"), (b"\x1f\x8b", "a gzip file"),
    (b"\x7fELF", "a program"), (b"<!DOCTYPE", "a web page"), (b"<html", "a web page"),
)  # fmt: skip


def read(path: str | Path) -> Written:
    r"""Read a file of Python, or a notebook.

    Parameters
    ----------
    path : str or Path
        ``.py`` or ``.ipynb``; a file of any other name is read as a script.

    Returns
    -------
    Written
        Its text, which is Python: it parses.

    Raises
    ------
    NotCodeError
        It is empty, no text, damaged, of Python 2 or another language, or has a syntax error; with the line.
    OSError
        It cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "old.py"
    ...     _ = file.write_text("lr = 0.1\nprint lr\n")
    ...     read(file)
    Traceback (most recent call last):
    thalweg.check.written.NotCodeError: error[CHECK-FILE] old.py:2: is Python 2: Missing...
    """
    place = Path(path)
    with place.open("rb") as file:
        data = file.read(LARGEST + 1)
    name = place.name
    if len(data) > LARGEST:
        raise NotCodeError(name, f"has more than {LARGEST >> 20} MiB")
    if not data.removeprefix(codecs.BOM_UTF8).strip():
        raise NotCodeError(name, "is empty")
    for start, what in _STARTS:
        if data.startswith(start):
            raise NotCodeError(name, f"is no Python: it starts like {what}")
    written = joined(str(path), data) if place.suffix == ".ipynb" else Written(str(path), _decoded(name, data))
    check_syntax(written)
    return written


def _decoded(name: str, data: bytes) -> str:
    """Return bytes as text with line feeds."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16")):
        if data.startswith(mark):
            raise NotCodeError(name, f"is {encoding}, which Python cannot run; save it as UTF-8")
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise NotCodeError(f"{name}:{line}", "is no text: it holds NUL bytes", line)
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        what = f"is not {error.encoding.upper()}{_guessed(data)}; save it as UTF-8"
        raise NotCodeError(f"{name}:{line}", what, line) from None
    except SyntaxError as error:  # an unknown encoding is named, or the first lines are not UTF-8
        line = next((k for k, row in enumerate(data.split(b"\n"), 1) if not _is_utf8(row)), 1)
        if "unknown encoding" in str(error):
            raise NotCodeError(f"{name}:1", f"names an {error.msg}", 1) from None
        raise NotCodeError(f"{name}:{line}", f"is not UTF-8{_guessed(data)}; save it as UTF-8", line) from None
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _guessed(data: bytes) -> str:
    """Say which encoding it may be: that of most Chinese files that are no UTF-8."""
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    return " (GB18030, perhaps)" if any("\u4e00" <= sign <= "\u9fff" for sign in text) else ""
