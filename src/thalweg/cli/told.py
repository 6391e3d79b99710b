"""What the user told: how to read the table, what to learn, how to descend; checked as far as can be without data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self, final

from thalweg.cli.formula_names import formula, split_list, with_numbers
from thalweg.cli.options import was_told
from thalweg.errors import SettingError, UsageError
from thalweg.exchange.tables.cells import shown

if TYPE_CHECKING:
    from pathlib import Path

    from thalweg.descent.settings import Settings
    from thalweg.exchange.tables import Table
    from thalweg.exchange.tables.content import Missing
    from thalweg.formulas.formula import Loss, Penalty, Rule, Schedule
    from thalweg.studies.design import Design
    from thalweg.studies.streamed import StreamedStudy
    from thalweg.studies.study import Study


@dataclass(frozen=True)
class Told:
    """A group of options, as they were told."""

    @classmethod
    def take(cls, options: dict[str, Any]) -> Self:
        """Take the options of this group out of all of them."""
        return cls(**{field.name: options.pop(field.name) for field in fields(cls)})


@dataclass(frozen=True)
class Reading(Told):
    """How a table is read."""

    delimiter: str | None
    encoding: str
    comment: str | None
    decimal: str
    thousands: str | None
    missing: str | None
    no_header: bool
    names: tuple[str, ...] | None
    text: tuple[str, ...]
    drop: tuple[str, ...]
    max_columns: int

    def read(
        self, place: str, target: str | None = None, kinds: dict[str, Any] | None = None, *, keep: bool = False
    ) -> Table:
        """Return the table at a path, or ``dataset:NAME``; with ``keep`` missing cells stay what they are.

        Raises
        ------
        ThalwegError
            Whatever is wrong with it.
        """
        if place.startswith("dataset:"):
            return self._load(place)
        from thalweg.exchange.tables import read_table

        return read_table(
            place,
            target=target,
            delimiter=self.delimiter,
            encoding=self.encoding,
            comment=self.comment,
            decimal=self.decimal,
            thousands=self.thousands,
            # The mean is that of the training part, so the gaps stay until the parts are known.
            missing="keep" if keep or self.missing == "mean" else "drop" if self.missing else None,
            header=not self.no_header,
            names=self.names,
            kinds={**dict.fromkeys(self.text, "text"), **(kinds or {})},
            drop=self.drop,
            max_columns=self.max_columns,
        )

    def pieces(
        self, place: str, kinds: dict[str, Any], target: str | None = None, missing: Missing | None = "keep"
    ) -> Iterable[Table]:
        """Return the rows of the table at a path in pieces, or of ``dataset:NAME`` in one."""
        if place.startswith("dataset:"):
            return [self._load(place)]
        from thalweg.exchange.tables.pieces import Pieces
        from thalweg.exchange.tables.records import TextFormat

        form = TextFormat.of(
            self.delimiter,
            self.encoding,
            self.comment,
            self.decimal,
            self.thousands,
            header=not self.no_header,
            names=self.names,
        )
        known = {**dict.fromkeys(self.text, "text"), **kinds}
        more: dict[str, Any] = {"target": target, "missing": missing, "max_columns": self.max_columns}
        return Pieces(place, form, kinds=known, drop=self.drop, **more)

    def warnings(self, table: Table, used: Iterable[str]) -> list[str]:
        """Return the warnings of the reader; on missing cells only for the columns used, and what becomes of them."""
        if self.missing == "drop":
            return list(table.warnings)
        told = [line for line in table.warnings if not line.startswith("FILE-MISSING")]
        gaps = Gaps(used)
        gaps.add(table)
        return [*told, *gaps.lines()]

    def _load(self, place: str) -> Table:
        from thalweg.exchange.datasets import load

        for_files = {
            "--delimiter": self.delimiter,
            "--comment": self.comment,
            "--thousands": self.thousands,
            "--names": self.names,
            "--text": self.text,
            "--no-header": self.no_header,
        }
        idle = [name for name, value in for_files.items() if value]
        if idle:
            raise UsageError("OPTION-DATASET", idle[0], f"is for files; {shown(place)} is read by its name")
        table = load(place)
        return table.drop(self.drop) if self.drop else table


@final
class Gaps:
    """The missing cells of the columns that are used, counted over the pieces of a table.

    Parameters
    ----------
    used : iterable of str
        The columns, in the order of the lines.
    """

    def __init__(self, used: Iterable[str]) -> None:
        self._rows = 0
        self._numbers = dict.fromkeys(used, (0, 0))
        self._empty = dict.fromkeys(self._numbers, 0)

    def add(self, table: Table) -> None:
        """Count those of the next rows."""
        import numpy as np

        for name, (count, first) in self._numbers.items():
            column = table[name]
            if column.dtype != np.float64:
                self._empty[name] += int((column == "").sum())
                continue
            gaps = np.flatnonzero(np.isnan(column))
            if gaps.size:
                self._numbers[name] = count + int(gaps.size), first or self._rows + int(gaps[0]) + 1
        self._rows += table.n_rows

    @property
    def first(self) -> tuple[str, int, int] | None:
        """The first column of numbers with missing cells: its name, how many, and the row of the first, from 1."""
        return next(((name, count, row) for name, (count, row) in self._numbers.items() if count), None)

    def lines(self) -> list[str]:
        """Return what becomes of them, a line for each column."""
        told = []
        for name, (count, _) in self._numbers.items():
            empty = self._empty[name]
            if count:
                told.append(f"FILE-MISSING: {count} missing in column {shown(name)} filled with the training mean")
            if empty:
                told.append(f"FILE-MISSING: {empty} empty in column {shown(name)} taken as a text of its own")
        return told


@dataclass(frozen=True)
class Modelling(Told):
    """What is learned, and by which model."""

    target: str | None
    task: str
    validation: str | None
    validation_fraction: float
    test_fraction: float
    model: str
    activation: str
    dropout: tuple[float, ...]
    loss: str
    no_scale_target: bool
    dtype: str
    seed: int

    def design(self) -> Design:
        """Check what can be checked without data, and return it.

        Raises
        ------
        ThalwegError
            A model, an activation, a loss or a type that there is not.
        """
        from thalweg.studies.design import Design
        from thalweg.studies.layers import activations_of, dropout_of, hidden_layers

        if self.dtype not in {"float64", "float32"}:
            raise SettingError("SETTING-UNKNOWN", "--dtype", f"unknown {self.dtype!r:.40}; allowed: float64, float32")
        if self.validation is not None and was_told("validation_fraction"):
            what = "is for a part of the table; --validation names rows of their own"
            raise SettingError("SETTING-TWICE", "--validation-fraction", what, "Leave one of the two out.")
        if self.validation is None and self.validation_fraction + self.test_fraction >= 1:
            what = f"{self.validation_fraction:g} and {self.test_fraction:g} leave nothing to learn from"
            raise SettingError("SETTING-RANGE", "--validation-fraction, --test-fraction", what)
        hidden = hidden_layers(self.model, "--model")
        if not hidden:
            self._refuse_what_needs_layers()
        names = split_list(self.activation)
        activations = [formula("activation", name, "--activation") for name in names]
        each, rates = (values[0] if len(values) == 1 else values for values in (activations, self.dropout))
        loss = None if self.loss == "auto" else formula("loss", self.loss, "--loss")
        return Design(
            hidden=hidden,
            activations=activations_of(each, len(hidden), "--activation"),
            dropout=dropout_of(rates, len(hidden), "--dropout"),
            loss=loss,
            several=self.loss == "log_loss",
            task=self.task,
            validation=self.validation_fraction if self.validation is None else None,
            test=self.test_fraction,
            seed=self.seed,
            dtype=self.dtype,
            scale_target=not self.no_scale_target,
        )

    def study(self, table: Table, reading: Reading, design: Design) -> Study:
        """Make a table ready.

        Raises
        ------
        ThalwegError
            Whatever is wrong with it, or no target.
        """
        from thalweg.studies.study import Study

        name = self.target or table.default_target
        if name is None:
            listed = ", ".join(shown(each) for each in table.names[:8])
            raise UsageError(
                "OPTION-TARGET", "--target", "which column is to be predicted?", f"The table has {listed}."
            )
        features = [column for column in table.names if column != name]
        told, aside = reading.warnings(table, features), None
        if self.validation is not None:
            from thalweg.studies.study import Aside

            own = reading.read(self.validation, target=name, kinds=dict(table.kinds))
            aside = Aside(replace(own, warnings=()))
            told += reading.warnings(own, features)
        return Study.of_table(table, name, design, told, aside)

    def streamed(self, place: str, reading: Reading, design: Design, folder: Path) -> StreamedStudy:
        """Make a file ready that is read piece by piece, and put into a folder for that.

        Raises
        ------
        ThalwegError
            Whatever is wrong with it; no target; what is no file.
        """
        from thalweg.studies.streamed import StreamedStudy

        if place == "-" or place.startswith("dataset:"):
            kind = "the standard input" if place == "-" else shown(place)
            hint = "Write it to a file first." if place == "-" else "Leave --stream out."
            raise UsageError("OPTION-STREAM", "--stream", f"reads a file; {kind} is none", hint)
        if self.target is None:
            raise UsageError("OPTION-TARGET", "--target", "which column is to be predicted?", "Name it.")
        target = self.target
        pieces = reading.pieces(
            place, {}, target, "drop" if reading.missing == "drop" else None if not reading.missing else "keep"
        )
        counted: list[Gaps] = []

        def gone_through() -> Iterable[Table]:
            for piece in pieces:
                if not counted:
                    counted.append(Gaps(name for name in piece.names if name != target))
                counted[0].add(piece)
                yield piece

        study = StreamedStudy.of_pieces(gone_through(), target, design, name=place, folder=folder)
        noticed = list(getattr(pieces, "warnings", ()))
        if reading.missing != "drop":
            noticed = [line for line in noticed if not line.startswith("FILE-MISSING")] + counted[0].lines()
        study = replace(study, warnings=(*noticed, *study.warnings))
        if self.validation is None:
            return study
        own = reading.read(self.validation, target=target, kinds=dict(study.kinds))
        features = [name for name in study.kinds if name != target]
        return study.beside(replace(own, warnings=()), reading.warnings(own, features))

    def _refuse_what_needs_layers(self) -> None:
        idle = {"--activation": was_told("activation"), "--dropout": any(self.dropout)}
        for option, told in idle.items():
            if told:
                what = "needs hidden layers, which a linear model has not"
                raise SettingError("SETTING-LAYERS", option, what, "Take a network, as in --model mlp:64,32.")


@dataclass(frozen=True)
class Descending(Told):
    """How the descent goes, but for the rule."""

    penalty: str | None
    alpha: float | None
    l1_ratio: float | None
    schedule: str | None
    epochs: int
    batch_size: int | None
    clip_value: float | None
    clip_norm: float | None

    def formulas(self) -> tuple[Penalty | None, Schedule | None]:
        """Return penalty and schedule.

        Raises
        ------
        ThalwegError
            One that there is not, or a number that it lacks.
        """
        numbers = {"alpha": self.alpha, "l1_ratio": self.l1_ratio}
        given = {name: value for name, value in numbers.items() if value is not None}
        if self.penalty is None and given:
            raise SettingError(
                "SETTING-PENALTY", f"--{next(iter(given)).replace('_', '-')}", "needs a --penalty, such as l2"
            )
        penalty = None if self.penalty is None else formula("penalty", self.penalty, "--penalty")
        for name, value in given.items():
            penalty = with_numbers(penalty, {name: value}, f"--{name.replace('_', '-')}")
        schedule = None if self.schedule is None else formula("schedule", self.schedule, "--schedule")
        return penalty, schedule

    def settings(self, rule: Rule, loss: Loss, rows: int, **more: Any) -> Settings:
        """Return the settings of a run over so many rows; a larger batch is all of them."""
        from thalweg.descent.settings import Settings

        penalty, schedule = self.formulas()
        batch = None if self.batch_size is None or self.batch_size >= rows else self.batch_size
        return Settings(
            optimizer=rule,
            loss=loss,
            penalty=penalty,
            schedule=schedule,
            batch_size=batch,
            max_iter=self.epochs,
            clip_value=self.clip_value,
            clip_norm=self.clip_norm,
            **more,
        )
