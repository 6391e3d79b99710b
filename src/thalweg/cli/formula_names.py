"""Formulas as they are told on the command line: ``adam``, ``adam:beta1=0.8,epsilon=1e-7``, ``my_rules.py:my_rule``.

Naming a file of one's own runs it, as ``python my_rules.py`` would: a formula is Python.
"""

from __future__ import annotations

import difflib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from thalweg.cli.options import written_number
from thalweg.errors import FormulaError, SettingError, StorageError, ThalwegError, UsageError
from thalweg.exchange.tables.cells import shown


def formula(kind: str, text: str, option: str) -> Any:
    """Return the formula that a text names, with the numbers that it gives.

    Parameters
    ----------
    kind : {"rule", "loss", "penalty", "activation", "schedule"}
        What it has to be.
    text : str
        ``[FILE.py:]NAME[:number=value,...]``; several values of one number are divided by ``/``.
    option : str
        Where it was told, for messages.

    Raises
    ------
    SettingError
        No such formula, no such number, a value out of range.
    FormulaError
        A formula of the user's own that has to be changed.
    StorageError
        A file that cannot be read.
    """
    from thalweg.formulas import catalog

    file, rest = _file_and_rest(text)
    name, _, numbers = rest.partition(":")
    found = catalog.find(kind, name.strip(), option) if file is None else _from_file(kind, file, name.strip(), option)
    return with_numbers(found, _numbers(numbers, option), option) if numbers else found


def with_numbers(found: Any, numbers: dict[str, Any], option: str) -> Any:
    """Return a copy of a formula with other numbers; where one cannot be, the answer names the option.

    Raises
    ------
    SettingError
        No such number, or one out of its range.
    """
    try:
        return found(**numbers)
    except SettingError as error:
        raise SettingError(error.code, f"{option}: {error.where}", error.what, error.hint) from error


def formulas(kind: str, text: str, option: str) -> dict[str, Any]:
    """Return several formulas, divided by commas, under the names that tables show.

    A formula with numbers of its own is shown with them; of two alike the second is left out.

    Raises
    ------
    SettingError, FormulaError, StorageError
        As :func:`formula`.
    """
    found: dict[str, Any] = {}
    for item in split_list(text):
        one = formula(kind, item, option)
        label = one.name
        given = _file_and_rest(item)[1].partition(":")[2]
        if given:
            label += f"({given})"
        if label in found and found[label] != one:
            label = item
        found[label] = one
    return found


def split_list(text: str) -> list[str]:
    """Return the items between commas; ``number=value`` belongs to the item before it.

    Examples
    --------
    >>> split_list("momentum,adam:beta1=0.8,epsilon=1e-7")
    ['momentum', 'adam:beta1=0.8,epsilon=1e-7']
    """
    items: list[str] = []
    for piece in text.split(","):
        if items and "=" in piece and ":" not in piece:
            items[-1] += f",{piece}"
        elif piece.strip():
            items.append(piece.strip())
    return items


def _file_and_rest(text: str) -> tuple[Path | None, str]:
    """Divide ``my_rules.py:my_rule`` into the file and the rest."""
    if text.endswith(".py"):
        return Path(text), ""
    file, found, rest = text.partition(".py:")
    return (Path(f"{file}.py"), rest) if found else (None, text)


def _numbers(text: str, option: str) -> dict[str, Any]:
    """Read ``beta1=0.8,milestones=10/20``."""
    numbers: dict[str, Any] = {}
    for piece in text.split(","):
        name, equals, written = (part.strip() for part in piece.partition("="))
        values = [written_number(value) for value in written.split("/")]
        if not equals or None in values:
            what = f"'{shown(piece)}' is not a hyperparameter with its number"
            raise SettingError("SETTING-TYPE", option, what, "Write it as in adam:beta1=0.8,epsilon=1e-7.")
        if name in numbers:
            raise SettingError("SETTING-TYPE", option, f"'{shown(name)}' is given twice")
        numbers[name] = values[0] if len(values) == 1 else tuple(values)
    return numbers


# The user's own files


def _from_file(kind: str, file: Path, name: str, option: str) -> Any:
    """Run a file and return the formula of a name in it; where there is only one, the name can be left out."""
    from thalweg.formulas import catalog
    from thalweg.formulas.base import Formula

    module = _run(file)
    there = {key: value for key, value in vars(module).items() if isinstance(value, Formula) and value.kind == kind}
    if not name and len(there) == 1:
        return next(iter(there.values()))
    if not name or not hasattr(module, name):
        near = difflib.get_close_matches(name, there, n=1)
        guess = f" Did you mean '{near[0]}'?" if near else ""
        where = shown(str(file), 100)
        what = f"{where} has no {kind} '{shown(name)}'" if name else f"which {kind} of {where}?"
        listed = f"It has: {', '.join(there)}." if there else f"It has none: write @{kind} above a def."
        raise SettingError("SETTING-UNKNOWN", option, what, listed + guess)
    return catalog.resolve(kind, getattr(module, name), option)


def _run(file: Path) -> ModuleType:
    """Run a file of Python and return what it defined."""
    where = shown(str(file), 200)
    try:
        file.read_bytes()
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
        raise StorageError("FILE-OPEN", where, shown(reason, 120)) from error
    spec = importlib.util.spec_from_file_location(f"thalweg_user_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise UsageError("OPTION-FORMULA", where, "is not a file of Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except ThalwegError:
        raise
    except SyntaxError as error:
        raise FormulaError("FORMULA-FILE", f"{where}, line {error.lineno}", f"is not Python: {error.msg}") from error
    except (Exception, SystemExit) as error:
        lines = [
            frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file.resolve())
        ]
        lines += [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
        place = f"{where}, line {lines[-1]}" if lines else where
        what = f"the file stops with {type(error).__name__}: {shown(str(error), 120)}"
        raise FormulaError("FORMULA-FILE", place, what) from error
    return module
