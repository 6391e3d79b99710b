"""``thalweg check``: is my optimizer right, and if not, which line?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from thalweg.cli import options as o
from thalweg.errors import SettingError, StorageError, UsageError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from thalweg.check.checked import CheckedFile
    from thalweg.check.child.messages import Answer, Limits, Question

_ENDINGS = (".py", ".ipynb")


@click.command("check", cls=o.SectionedCommand, short_help="Say which line of an optimizer or a gradient is wrong.")
@click.argument("places", metavar="[FILE[:NAME]|FOLDER]...", nargs=-1)
@o.word("Code", "--as", "RULE", "The rule it is meant to be: adam, momentum, ...  [as its name and text say]")
@o.word("Code", "--learning-rate-parameter", "NAME", "The parameter or attribute that is the learning rate.")
@o.word(
    "Code", "--number", "NAME=X", "A hyperparameter that cannot be read from the code; may be repeated.", multiple=True
)
@o.flag("Gradients", "--gradient", "Examine gradients and backward passes, not update rules.")
@o.word("Gradients", "--function", "NAME", "The function whose gradient it is.  [as names tell]")
@o.word("Gradients", "--gradient-function", "NAME", "The function that gives it.  [as names tell]")
@o.word("Gradients", "--at", "NAME", "The parameters at which to look.  [the file's, or some made to fit]")
@o.number("Limits", "--time-limit", "Seconds of processor time for each file.", default=20)
@o.number("Limits", "--memory-limit", "GiB for each file.", default=4)
@o.count("Limits", "--jobs", "Files at a time.", 2)
@o.flag("Catalogue", "--list", "List the mistakes and conventions that are known.")
@o.word("Catalogue", "--explain", "CODE", "Say what one of them is, and what it does to the steps.")
@o.choice("Output", "--format", ["text", "json"], "To read, or one line of JSON for each file.", "text")
@o.word("Output", "--report", "FILE", "A page with the evidence in pictures (HTML; opens offline).")
@o.choice("Output", "--language", ["en", "zh"], "English or Chinese.", "en")
@o.OUTPUT
def check(places: tuple[str, ...], **told: Any) -> int:
    """Examine hand-written optimizers and gradients: which rule is it, is it right, and if not, which line?

    FILE is a script or a notebook; of the functions and classes in it, those that look like update rules are examined,
    or the one called NAME. Its definitions are run, not what it trains or draws, in a process with limits on time and
    memory, without a network. Several files, or a folder of them, give a table.

    Leaves with 0 if all is right, 1 if something is wrong or no known rule, 2 if something cannot be run.

    \b
    thalweg check adam.py
    thalweg check homework.ipynb:update_parameters --as adam
    thalweg check network.py --gradient
    thalweg check submissions/ --format json
    """  # noqa: D301 - what click reads is the character, not its name
    if told["list"] or told["explain"]:
        from thalweg.cli.check_catalogue import catalogue

        if told["report"]:
            _report(told["report"], [], told)
        else:
            catalogue(told["explain"], told["language"], no_color=told["no_color"])
        return 0
    if not places:
        raise UsageError("USAGE", "thalweg check", "which file?", "See thalweg check --help.")
    from thalweg.check.checked import worst
    from thalweg.check.child.messages import Limits

    limits = Limits(told["time_limit"], int(told["memory_limit"] * 2**30))
    numbers = _numbers(told["number"])
    if told["as"]:
        _check_rule(told["as"])
    questions = [
        _question(path, name, told, numbers) for place in places for path, name in _files(*_path_and_name(place))
    ]
    if told["report"]:
        from thalweg.exchange.files import check_writable
        from thalweg.report.embedding import check_extra

        check_extra()
        check_writable(told["report"])
    folder = _common(places)
    checked = _examine(questions, limits, told, lambda question, answer: _kind(told).of(question, answer, folder))
    if told["report"]:
        _report(told["report"], checked, told)
    if told["format"] == "json":
        for one in checked:
            click.echo(json.dumps(one.as_dict(), allow_nan=False))  # in ASCII: names may hold anything
    elif folder is None and len(questions) == 1:
        _tell(checked[0], told)
    else:
        _tell_all(checked, told)
    return worst(checked)


# What differs between update rules and gradients


def _kind(told: dict[str, Any]) -> type[CheckedFile[Any]]:
    from thalweg.check.checked import Checked
    from thalweg.check.checked_gradients import CheckedGradients

    return CheckedGradients if told["gradient"] else Checked


def _tell(checked: Any, told: dict[str, Any]) -> None:
    """Say what was found in one file."""
    from thalweg.cli.check_gradient import tell_gradients
    from thalweg.cli.check_text import tell

    (tell_gradients if told["gradient"] else tell)(checked, told)


def _tell_all(checked: Sequence[Any], told: dict[str, Any]) -> None:
    """Say what was found in many files."""
    from thalweg.check.wording import gradients_spoken, spoken
    from thalweg.check.wording.overview import rows_of_gradients, rows_of_rules
    from thalweg.cli.check_class import tell_all

    if told["gradient"]:
        say = gradients_spoken(told["language"])
        tell_all(checked, [rows_of_gradients(say, one) for one in checked], say, told)
    else:
        phrases = spoken(told["language"])
        tell_all(checked, [rows_of_rules(phrases, one) for one in checked], phrases, told)


def _page(checked: Sequence[Any], told: dict[str, Any]) -> str:
    """Return a page; of nothing that was checked, the page of the catalogue."""
    from thalweg.check.wording import gradients_spoken, spoken
    from thalweg.report.diagnosis import catalogue_page, diagnosis_page
    from thalweg.report.gradients import gradients_page

    command = o.command_told()
    if not checked:
        return catalogue_page(spoken(told["language"]), command)
    if told["gradient"]:
        return gradients_page(checked, gradients_spoken(told["language"]), command)
    return diagnosis_page(checked, spoken(told["language"]), command)


# The examination


def _examine(
    questions: list[Question], limits: Limits, told: dict[str, Any],
    read: Callable[[Question, Answer], CheckedFile[Any]],
) -> list[CheckedFile[Any]]:  # fmt: skip
    """Examine files, some at a time, each in a process of its own."""
    from concurrent.futures import ThreadPoolExecutor, as_completed

    from thalweg.check.child.process import Examination
    from thalweg.cli.terminal import progress

    running: list[Examination] = []
    stopped = False

    def one(question: Question) -> CheckedFile[Any] | None:
        if stopped:
            return None
        examination = Examination(question, limits)
        running.append(examination)
        return read(question, examination.answer())

    pool = ThreadPoolExecutor(told["jobs"], thread_name_prefix="thalweg-check")
    try:
        waiting = [pool.submit(one, question) for question in questions]
        if len(questions) > 1:
            with progress(len(questions), "files", no_color=told["no_color"]) as show:
                for done, future in enumerate(as_completed(waiting), 1):
                    found = future.result()
                    show(done, found.file if found else "")
        return [found for future in waiting if (found := future.result()) is not None]
    finally:
        stopped = True
        for examination in running:
            examination.end()
        pool.shutdown(cancel_futures=True)


def _report(place: str, checked: Sequence[Any], told: dict[str, Any]) -> None:
    """Leave a page."""
    from thalweg.cli.terminal import note
    from thalweg.exchange.files import atomic_write, check_writable

    check_writable(place)
    atomic_write(place, _page(checked, told).encode())
    note([f"left the page in {shown(place, 200)}"])


# What is asked


def _question(path: Path, name: str | None, told: dict[str, Any], numbers: dict[str, float]) -> Question:
    from thalweg.check.child.messages import Question

    own = {option: told[option] for option in ("function", "gradient_function", "at")}
    if any(own.values()) and not told["gradient"]:
        option = next(option for option, value in own.items() if value)
        raise UsageError("USAGE", f"--{option.replace('_', '-')}", "is for gradients", "Add --gradient.")
    task = "gradient" if told["gradient"] else "optimizer"
    return Question(str(path), name, told["as"], told["learning_rate_parameter"], numbers, task, **own)


def _path_and_name(place: str) -> tuple[Path, str | None]:
    """Divide ``adam.py:step`` into the file and the name."""
    for ending in _ENDINGS:
        file, found, name = place.rpartition(f"{ending}:")
        if found and name:
            return Path(f"{file}{ending}"), name
    return Path(place.removesuffix(":")), None


def _files(path: Path, name: str | None) -> list[tuple[Path, str | None]]:
    """Return a file, or all scripts and notebooks in a folder.

    Raises
    ------
    StorageError, UsageError
        There is none.
    """
    where = shown(str(path), 200)
    if "://" in str(path) or ":/" in str(path)[2:]:
        raise UsageError("FILE-OPEN", where, "network addresses are not read", "Download the file and name it.")
    if path.is_dir():
        found = sorted(_walk(path))
        if not found:
            raise UsageError("CHECK-FILE", where, "the folder holds no .py and no .ipynb files")
        return [(file, None) for file in found]
    if not path.exists():
        raise StorageError("FILE-OPEN", where, "there is no such file")
    if not path.is_file():
        raise StorageError("FILE-OPEN", where, "is not a regular file")
    if path.suffix not in _ENDINGS:
        raise UsageError("CHECK-FILE", where, "is neither a .py nor a .ipynb file")
    return [(path, name)]


def _walk(folder: Path) -> list[Path]:
    """Return the scripts and notebooks in a folder; what is hidden, installed or a copy is passed over."""
    found = []
    for place in folder.iterdir():
        if place.name.startswith((".", "__pycache__")) or place.name in {"venv", "node_modules", "site-packages"}:
            continue
        if place.is_dir() and not place.is_symlink():
            found += _walk(place)
        elif place.suffix in _ENDINGS and place.is_file():
            found.append(place)
    return found


def _common(places: tuple[str, ...]) -> Path | None:
    """Return the folder that was named, when it is the only one: files are then named from there."""
    paths = [_path_and_name(place)[0] for place in places]
    return paths[0] if len(paths) == 1 and paths[0].is_dir() else None


def _numbers(told: tuple[str, ...]) -> dict[str, float]:
    """Read ``beta1=0.9``."""
    found: dict[str, float] = {}
    for text in told:
        name, equals, written = (part.strip() for part in text.partition("="))
        value = o.written_number(written)
        if not equals or not name.isidentifier() or value is None:
            _refuse_number(text)
        found[name] = float(value)
    if found:
        _check_names(list(found))
    return found


def _check_names(names: list[str]) -> None:
    """Answer hyperparameters that no rule has."""
    import difflib

    from thalweg.check.catalogue.entries import entries
    from thalweg.check.catalogue.textbook import names as rules
    from thalweg.check.catalogue.textbook import textbook

    known = {name for rule in rules() for name in textbook(rule).numbers}
    known |= {name for entry in entries().values() for name in entry.numbers}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            guess = f"; did you mean {near[0]!r}?" if near else ""
            hint = f"There are: {', '.join(sorted(known))}."
            raise SettingError("SETTING-UNKNOWN", "--number", f"no rule has a number {name!r:.40}{guess}", hint)


def _refuse_number(text: str) -> NoReturn:
    what = f"{text!r:.40} is not a hyperparameter with its number"
    raise SettingError("SETTING-TYPE", "--number", what, "Write it as in --number beta1=0.9.")


def _check_rule(name: str) -> None:
    """Answer the name of a rule that there is not."""
    import difflib

    from thalweg.check.catalogue.textbook import names

    known = list(names())
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        guess = f"did you mean {near[0]!r}?" if near else ""
        raise SettingError(
            "SETTING-UNKNOWN",
            "--as",
            f"unknown rule {name!r:.40}; {guess}".rstrip("; "),
            f"There are: {', '.join(known)}.",
        )
