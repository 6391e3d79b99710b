"""``thalweg check --gradient``: what came of the gradients in files, to read and as data."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import click

from thalweg.check.wording import gradients_spoken
from thalweg.check.wording.gradient_lines import evidence, few
from thalweg.check.wording.widths import cells, padded, wrapped

if TYPE_CHECKING:
    from rich.console import Console

    from thalweg.check.child.messages import Answer, Question
    from thalweg.check.gradient_diagnosis import GradientDiagnosis
    from thalweg.check.subjects.gradients.reading import Given
    from thalweg.check.wording.gradient_phrases import GradientPhrases

_STATUS = {"right": 0, "wrong": 1, "unclear": 2, "cannot_run": 2}
_WORST = ("wrong", "cannot_run", "unclear", "right")
_STYLES = {"right": "bold green", "wrong": "bold red", "unclear": "bold yellow", "cannot_run": "bold yellow"}
_BAR = 30
_NAME = 26  # cells of a name in the table


@final
@dataclass(frozen=True)
class CheckedGradients:
    """One file.

    Parameters
    ----------
    file : str
        As it is shown.
    told : tuple of GradientDiagnosis
        The gradients in it.
    answer : Answer
    """

    file: str
    told: tuple[GradientDiagnosis, ...]
    answer: Answer

    @staticmethod
    def of(question: Question, answer: Answer, folder: Path | None) -> CheckedGradients:
        """Read an answer."""
        from thalweg.check.gradient_diagnosis import GradientDiagnosis
        from thalweg.exchange.tables.cells import shown

        path = Path(question.path)
        name = str(path.relative_to(folder)) if folder is not None else path.name
        told = tuple(GradientDiagnosis.from_dict(one) for one in answer.diagnoses)
        return CheckedGradients(shown(name, 120), told, answer)

    @property
    def verdict(self) -> str:
        """The worst of its verdicts."""
        kinds = {one.kind for one in self.told} | ({"cannot_run"} if self.answer.stop else set())
        return next(kind for kind in _WORST if kind in kinds)

    @property
    def status(self) -> int:
        """The exit status that it asks for."""
        return _STATUS[self.verdict]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, the same for the same file."""
        said = asdict(self.answer)
        return {
            "file": self.file,
            "verdict": self.verdict,
            "gradients": [_plain(one) for one in self.told],
            **{name: said[name] for name in ("stop", "reason", "where", "notes", "printed")},
        }


def _plain(one: GradientDiagnosis) -> dict[str, Any]:
    data = one.as_dict()
    found: Mapping[str, Any] = data.pop("verdict") or {}
    return {
        "name": data.pop("name"), "of": data.pop("of"), "verdict": data.pop("kind"), **data,
        **{key: value for key, value in found.items() if key != "verdict"},
    }  # fmt: skip


def tell_gradients(checked: Sequence[CheckedGradients], told: dict[str, Any], *, table: bool) -> None:
    """Say what was found in files.

    Parameters
    ----------
    checked : sequence of CheckedGradients
    told : dict
        The options of ``thalweg check``.
    table : bool
        A line for each gradient, and how often each cause was found; else all that is known of one file.
    """
    from thalweg.cli.terminal import console

    if told["format"] == "json":
        for one in checked:
            click.echo(json.dumps(one.as_dict(), allow_nan=False))  # in ASCII: names may hold anything
        return
    say = gradients_spoken(told["language"])
    screen = console(no_color=told["no_color"])
    if table:
        _table(screen, say, checked)
    else:
        _file(screen, say, checked[0])


def headline(say: GradientPhrases, file: str, one: GradientDiagnosis) -> str:
    """Return the verdict on a gradient in one line, which begins with it and a colon."""
    of = say.sentence(one.told) if one.form == "known_loss" else one.of
    values = {"name": one.name, "file": file, "of": of, "choices": say.between.join(one.choices)}
    if one.kind == "right":
        template = say.is_right if of and of != one.name else say.alone_right
    elif one.kind == "wrong":
        values["blocks"] = few(one.verdict.wrong_blocks if one.verdict else (), say)
        template = say.is_wrong if of and of != one.name else say.alone_wrong
    elif one.kind == "unclear":
        template = say.asks_which if one.choices else say.asks_argument if one.reason else say.asks_cost
        values["argument"] = one.reason
    else:
        reason = one.reason or (say.random if one.verdict and one.verdict.verdict == "random" else say.unknown)
        values["reason"] = say.sentence(reason)
        template = say.cannot_run
    return template.format(**values)


def _file(screen: Console, say: GradientPhrases, checked: CheckedGradients) -> None:
    from thalweg.cli.terminal import note
    from thalweg.exchange.tables.cells import shown

    for place, one in enumerate(checked.told):
        if place:
            screen.print()
        _one(screen, say, checked.file, one)
    if checked.answer.stop:
        if checked.told:
            screen.print()
        reason = shown(say.sentence(checked.answer.reason), 300)
        name = say.sentence(shown(checked.answer.where, 120)) or checked.file
        _headline(screen, say.cannot_examine.format(where=name, reason=reason), "cannot_run")
    note(shown(say.sentence(line), 200) for line in checked.answer.notes)


def _headline(screen: Console, text: str, kind: str) -> None:
    from rich.text import Text

    lines = wrapped(text, screen.width, "", "  ")
    colon = next((sign for sign in (":", "\uff1a") if sign in lines[0]), "")
    word, _, rest = lines[0].partition(colon) if colon else (lines[0], "", "")
    screen.print(Text.assemble((word, _STYLES[kind]), colon, rest), soft_wrap=True)
    for line in lines[1:]:
        screen.print(Text(line), soft_wrap=True)


def _one(screen: Console, say: GradientPhrases, file: str, one: GradientDiagnosis) -> None:
    """Print one diagnosis."""
    from rich.text import Text

    _headline(screen, headline(say, file, one), one.kind)
    if one.verdict is None or one.kind == "cannot_run":
        return
    looks = tuple(
        text
        for line in one.lines
        for text in (f"  {say.look.format(where=say.sentence(line.where))}", f"    > {line.text}")
    )
    for text in evidence(one.verdict, say, looks):
        style = "red" if text.startswith("    > ") else ""
        screen.print(Text(text, style), soft_wrap=True)
    if one.form:
        _paragraph(screen, say.note.format(note=say.forms[one.form].format(told=say.sentence(one.told))))
    if one.given:
        _paragraph(screen, say.at.format(given=given_in_words(say, one.given)))


def given_in_words(say: GradientPhrases, given: Sequence[Given]) -> str:
    """Return at which point and with which data a gradient was tested, those of one origin together."""
    parts = []
    for origin, template in (("asked", say.asked), ("file", say.of_file), ("made", say.made)):
        names = [
            f"{each.name} ({' x '.join(map(str, each.shape))})" if each.shape else each.name
            for each in given
            if each.origin == origin
        ]
        if names:
            parts.append(template.format(names=say.between.join(names)))
    return "; ".join(parts)


def _paragraph(screen: Console, text: str) -> None:
    from rich.text import Text

    for line in wrapped(text, screen.width, "  ", "    "):
        screen.print(Text(line), soft_wrap=True)


def _table(screen: Console, say: GradientPhrases, checked: Sequence[CheckedGradients]) -> None:
    from rich.text import Text

    from thalweg.cli.terminal import row, table

    shown = table(*((name, "left") for name in say.table_head), wrap=say.table_head[-1])
    for one in checked:
        for each in _rows(say, one):
            shown.add_row(*row(each))
    screen.print(shown)
    counts: Counter[str] = Counter()
    titles: dict[str, str] = {}
    for one in checked:
        causes = {c.code: say.sentence(c.title) for told in one.told if told.verdict for c in told.verdict.causes}
        counts.update(causes.keys())
        titles |= {code: title for code, title in causes.items() if code not in titles}
    if not counts:
        screen.print(f"\n{say.nothing_wrong}", markup=False)
    else:
        screen.print(f"\n{say.histogram.format(files=len(checked))}", markup=False)
        most = max(counts.values())
        for code, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            bar = "#" * max(1, round(min(_BAR, most) * count / most))
            told = say.labelled.format(label=code, text=titles[code])
            line = f"{count:4} {padded(bar, min(_BAR, most))}  {told}"
            screen.print(Text(line), no_wrap=True, overflow="ellipsis")
    kinds = Counter(one.verdict for one in checked)
    line = say.counted.format(
        files=len(checked), right=kinds["right"], wrong=kinds["wrong"], stopped=kinds["unclear"] + kinds["cannot_run"]
    )
    screen.print(f"\n{line}", markup=False)


def _rows(say: GradientPhrases, one: CheckedGradients) -> list[tuple[str, ...]]:
    """Return a line for each gradient of a file; the file is named once."""
    from thalweg.exchange.tables.cells import shown

    rows = []
    for told in one.told:
        blocks, causes = "", shown(say.sentence(told.reason), 200)
        if told.verdict is not None:
            blocks = few(told.verdict.wrong_blocks, say, 3)
            causes = "; ".join(say.sentence(cause.title) for cause in told.verdict.causes[:2])
        rows.append(
            (
                _cut(told.name),
                say.kinds[told.kind],
                say.labelled.format(label=blocks, text=causes) if blocks else causes,
            )
        )
    if one.answer.stop:
        rows.append(("-", say.kinds["cannot_run"], shown(say.sentence(one.answer.reason), 200)))
    return [(_cut(one.file) if place == 0 else "", *each) for place, each in enumerate(rows)]


def _cut(name: str) -> str:
    """Return a name that leaves room for the findings: its end, which tells it from others of its kind."""
    while cells(name) > _NAME:
        name = f"\u2026{name.lstrip(chr(0x2026))[1:]}"
    return name
