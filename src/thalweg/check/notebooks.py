"""The code cells of a notebook as one text of Python that keeps its lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from thalweg.check.written import NotCodeError, Written, check_syntax

# Cell magics whose cell is Python all the same.
_OF_PYTHON = frozenset(("time", "timeit", "capture", "prun", "python", "python3", "px", "memit", "mprun"))
_MAGIC = re.compile(r"(\s*)(?:[%!?]|[\w.]+\?{1,2}\s*$)")
_ASSIGNED = re.compile(r"(\s*[\w, ]+?=\s*)[%!]\w")
_QUOTES = re.compile(r"'''|\"\"\"|'|\"|#|\\|[()\[\]{}]")


def joined(path: str, data: bytes) -> Written:
    """Join the code cells of a notebook.

    Magics and shell commands become blank lines, or ``pass`` where a block must not be empty. A cell that is no Python
    even so is blank: Jupyter runs the others as well.

    Raises
    ------
    NotCodeError
        It is damaged, of another language, or has no code.
    """
    name = Path(path).name
    try:
        book = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise NotCodeError(name, "is damaged: a notebook is UTF-8") from None
    except json.JSONDecodeError as error:
        raise NotCodeError(name, f"is a damaged notebook: {error.msg} in line {error.lineno} of the file") from None
    except RecursionError:
        raise NotCodeError(name, "is a damaged notebook: nested too deeply") from None
    language = _language(book)
    if language not in {"", "python", "ipython"}:
        raise NotCodeError(name, f"is a notebook of {language[:20]}, not of Python")
    texts = [_source(name, cell) for cell in _code_cells(name, book)]
    if not any(text.strip() for text in texts):
        raise NotCodeError(name, "has no code cells")
    starts, lines, left_out = [], 1, {}
    for number, cell in enumerate(texts):
        starts.append((lines, number + 1))
        texts[number], wrong = _as_python(cell)
        if wrong:
            left_out[number + 1] = wrong
        lines += cell.count("\n") + 1
    return Written(path, "\n".join(texts) + "\n", tuple(starts), left_out)


def _language(book: Any) -> str:
    """Return the language that a notebook says it is in; empty where it does not."""
    metadata = book.get("metadata") if isinstance(book, Mapping) else None
    for part, key in (("kernelspec", "language"), ("language_info", "name")):
        found = metadata.get(part) if isinstance(metadata, Mapping) else None
        said = found.get(key) if isinstance(found, Mapping) else None
        if isinstance(said, str):
            return said.lower()
    return ""


def _code_cells(name: str, book: Any) -> Iterator[Mapping[str, Any]]:
    """Return the code cells of a notebook of format 4, or 3."""
    cells = book.get("cells") if isinstance(book, Mapping) else None
    if cells is None and isinstance(book, Mapping) and isinstance(book.get("worksheets"), list):
        sheets = [sheet for sheet in book["worksheets"] if isinstance(sheet, Mapping)]
        cells = [cell for sheet in sheets for cell in sheet.get("cells") or ()]
    if not isinstance(cells, list):
        raise NotCodeError(name, "is no notebook: it has no list of cells")
    for cell in cells:
        if not isinstance(cell, Mapping):
            raise NotCodeError(name, "is a damaged notebook: a cell is no object")
        if cell.get("cell_type") == "code":
            yield cell


def _source(name: str, cell: Mapping[str, Any]) -> str:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, Sequence) and all(isinstance(line, str) for line in source):
        text = source if isinstance(source, str) else "".join(source)
        return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    raise NotCodeError(name, "is a damaged notebook: the source of a cell is no text")


def _as_python(cell: str) -> tuple[str, str]:
    """Return a cell without magics, with as many lines; and what is wrong with it, when it is then blank."""
    if _wrong(cell) == "":
        return cell, ""
    blank = "\n" * cell.count("\n")
    first = next((line for line in cell.split("\n") if line.strip()), "")
    if first.startswith("%%") and first[2:].split(" ")[0].strip() not in _OF_PYTHON:
        return blank, ""
    plain = _without_magics(cell)
    wrong = _wrong(plain)
    return (blank, wrong) if wrong else (plain, "")


def _wrong(cell: str) -> str:
    try:
        check_syntax(Written("", cell))
    except NotCodeError as error:
        return error.what
    return ""


def _without_magics(cell: str) -> str:
    """Blank the lines that are IPython's: where a statement begins, not in strings and brackets."""
    lines, inside = [], ""
    for line in cell.split("\n"):
        kept = line
        if not inside:
            assigned = _ASSIGNED.match(line)
            magic = _MAGIC.match(line)
            if assigned:
                kept = f"{assigned[1]}None"
            elif magic:
                kept = f"{magic[1]}pass" if magic[1] else ""
        lines.append(kept)
        if inside or kept == line:
            inside = _open_after(line, inside)
        elif line.endswith("\\"):
            inside = "!"  # a magic that goes on in the next line
    return "\n".join(lines)


def _open_after(line: str, before: str) -> str:
    r"""Return what is open after a line: quotes and brackets, innermost last; ``\\`` for a line that goes on."""
    if before == "!":
        return "!" if line.endswith("\\") else ""
    stack = [sign for sign in before.split() if sign != "\\"]
    place = 0
    while (found := _QUOTES.search(line, place)) is not None:
        sign, place = found[0], found.end()
        quoted = stack[-1] if stack and stack[-1][0] in "'\"" else ""
        if sign == "\\":
            if place == len(line) and not quoted:
                return " ".join([*stack, "\\"])
            place += 1
        elif quoted:
            if sign == quoted:
                stack.pop()
            elif len(sign) == 3 and sign[0] == quoted:
                stack.pop()
                place = found.start() + 1
        elif sign == "#":
            break
        elif sign in ")]}":
            del stack[-1:]
        else:
            stack.append(sign)
    return " ".join(sign for sign in stack if sign not in {"'", '"'})
