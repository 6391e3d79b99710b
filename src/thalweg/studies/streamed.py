"""A table that does not fit into memory, made ready for descent: on disk, read piece by piece in every epoch.

What is held in memory are the parts to choose with and to look at last, a byte for each row that says which part it is
in, and a few blocks of the rows to learn from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.blocks import Blocks, Making, block_size
from thalweg.descent.outputs import Outputs
from thalweg.descent.stream import Chunk, Stream
from thalweg.errors import DataError, LimitError, SettingError
from thalweg.exchange.learned import Number
from thalweg.exchange.preparation import Preparation
from thalweg.exchange.tables.cells import shown
from thalweg.exchange.tables.spool import Spool
from thalweg.exchange.tables.table import Table
from thalweg.exchange.targets import MOST_DIFFERENT, Seen, check_target, infer_task
from thalweg.studies.design import Design
from thalweg.studies.division import at_random, row_by_row
from thalweg.studies.prepared import PARTS, Part, Prepared, about_the_validation_rows, check_least

if TYPE_CHECKING:
    import os

    from thalweg.descent.run import Run
    from thalweg.descent.settings import Settings
    from thalweg.exchange.tables.columns import Values
    from thalweg.formulas.formula import Loss

Array = NDArray[Any]

#: Up to so many rows the parts are drawn as they are in memory, classes in proportion.
DRAWN_AT_ONCE = 1 << 20
#: Bytes of the cells of the rows to choose with, and of those to look at last.
_HELD = 32 << 20
# Strips of the table on disk that are read, and made ready, together.
_STRIPS = 16


@final
@dataclass(frozen=True)
class StreamedStudy(Prepared):
    """Rows made ready as :class:`~thalweg.studies.study.Study` does; those to learn from stay on disk.

    Attributes
    ----------
    kinds : dict of str to {"number", "text"}
        The columns of the table, and what they hold.
    training : Stream
        The rows to learn from.
    n_rows : int
        Of the table.
    digest : bytes
        Of all its cells.
    lowered : bool
        Whether the last two parts have fewer rows than their shares.

    Others as of :class:`~thalweg.studies.prepared.Prepared`; ``parts`` has ``"validation"`` and ``"test"``.

    Notes
    -----
    Tables of up to 1,048,576 rows, and 32 MiB of cells in each of the last two parts, are divided as in memory; larger
    ones row by row, and what is more than 32 MiB is learned from. Means and scales are those in memory up to 65,536
    rows to learn from, bit for bit, and beyond to rounding. Where these rows fit into one block (65,536 of them, and 16
    MiB) they are held in it, and all updates are those in memory, bit for bit. Otherwise blocks of them are shuffled,
    each in itself, drawn from strips of 1024 rows from all over the table, so that a table in an order of its own is
    mixed too.
    """

    preparation: Preparation
    kinds: dict[str, Any]
    training: Stream = field(repr=False)
    n_rows: int
    digest: bytes
    lowered: bool = False

    @classmethod
    def of_pieces(
        cls, pieces: Iterable[Table], target: str, design: Design, *, name: str, folder: str | os.PathLike[str]
    ) -> StreamedStudy:
        """Divide and prepare a table that comes in pieces.

        Parameters
        ----------
        pieces : iterable of Table
            Gone through once.
        target : str
            The column to predict.
        design : Design
        name : str
            Of the table.
        folder : path-like
            Where its cells are put while they are learned from.

        Raises
        ------
        DataError, SettingError, LimitError, StorageError
            Whatever is wrong with it, or with the folder.
        """
        named = shown(name, 200)
        look = _Look(target, count=design.task != "regression")
        spool = Spool(look.through(pieces), folder, named)
        seen = look.seen(spool)
        task = infer_task(seen, design.task)
        check_target(seen, task, target, named)
        classes = seen.values.tolist() if task == "classification" else []
        loss = design.loss_for(len(classes))
        most = max(1, _HELD // (8 * len(spool.names)))
        part_of, split_warnings, lowered = _divide(spool, target, design, most, classes=bool(classes))
        places = _Places(spool, part_of, target)
        preparation = Preparation.learn((features for features, _ in places.of("train")), named)
        outputs = _outputs(loss, classes, design, places, named)
        check_least(loss, look.least, target)
        X, y, at, told = places.held(preparation)
        parts = {
            part: Part(X[at == PARTS.index(part)], chosen, outputs.encode(chosen))
            for part in PARTS[1:]
            if len(chosen := y[at == PARTS.index(part)])
        }
        counts = np.bincount(part_of, minlength=len(PARTS)).tolist()
        return cls(
            name=name,
            target=target,
            features=preparation.feature_names,
            outputs=outputs,
            loss=loss,
            model=design.model(len(preparation.feature_names), outputs.count),
            parts=parts,
            design=design,
            warnings=(*look.warnings(), *split_warnings, *told),
            preparation=preparation,
            rows={part: count for part, count in zip(PARTS, counts, strict=True) if count},
            kinds=spool.kinds,
            training=_Training(places, preparation, design, counts[0]),
            n_rows=spool.n_rows,
            digest=spool.digest(),
            lowered=lowered,
        )

    def beside(self, own: Table, warnings: Iterable[str] = ()) -> StreamedStudy:
        """Return the study with rows of the caller's own to choose with, which are in memory."""
        features, y = own.split_target(self.target)
        with about_the_validation_rows():
            if self.loss.target == "count":
                check_least(self.loss, float(y.min()), self.target)
            found = self.preparation.transform(features)
            part = Part(found.X, y, self.outputs.encode(y))
        return replace(
            self,
            parts={"validation": part, **self.parts},
            rows={name: {**self.rows, "validation": len(y)}[name] for name in PARTS},
            warnings=(*self.warnings, *warnings, *found.warnings),
        )

    def identity(self) -> list[Any]:
        """Return arrays that are others where any row is another."""
        return [*super().identity(), np.frombuffer(self.digest, np.uint8)]

    def run(self, settings: Settings, **more: Any) -> Run:
        """Return a run over the rows to learn from; ``more`` as :class:`~thalweg.descent.run.Run` takes it.

        Raises
        ------
        SettingError
            SETTING-STREAM: all rows in one update, and they are more than a block.
        """
        from thalweg.descent.run import Run

        making = Making(lambda y, _first, _dtype: self.outputs.encode(y), lambda _y, _weights: None)
        update = settings.batch_size or 1
        blocks = Blocks(self.training, making, update=update, count=self.rows["train"], dtype=self.dtype)
        first = blocks.first()
        if first.last:
            blocks.close()
            return Run(self.model, first.rows, settings, **more)
        if settings.batch_size is None:
            blocks.close()
            what = f"{self.rows['train']} rows in one update; read piece by piece, {blocks.size} at most can be"
            raise SettingError("SETTING-STREAM", "--batch-size", what, "Give a number of rows, such as 1024.")
        return Run(self.model, first.rows, settings, blocks=blocks, **more)

    def scores(self, theta: Array) -> dict[str, dict[str, float]]:
        """Return the scores of each part with these parameters, in the target's own units."""
        from thalweg.comparison.scores import scores, scores_in_pieces

        def of_training() -> Iterator[tuple[Array, Array]]:
            for chunk in self.training:
                assert chunk.y is not None  # noqa: S101 - a table has a target
                yield chunk.y, self.model.scores(theta, chunk.X.astype(self.dtype, copy=False))

        found = {"train": scores_in_pieces(self.outputs, of_training())}
        for name, part in self.parts.items():
            found[name] = scores(self.outputs, part.y, self.model.scores(theta, self.part_features(name)))
        return found

    def describe(self) -> list[str]:
        """Return what was read and made of it, in a few lines."""
        lines = super().describe()
        if self.lowered:
            lines.append(f"validation and test are held in memory, {_HELD >> 20} MiB each; the other rows are in train")
        return lines


@final
class _Look:
    """What is learned of a table while it goes by."""

    def __init__(self, target: str, *, count: bool) -> None:
        self._target, self._count = target, count
        self.least = np.inf
        self._rows, self._whole = 0, True
        self._first: object = None
        self._values: Values | None = None
        self._starts: dict[str, Any] = {}
        self._constant: dict[str, bool] = {}
        self._equal: dict[str, bool] = {}

    def through(self, pieces: Iterable[Table]) -> Iterator[Table]:
        """Look at each piece, and give it on."""
        for table in pieces:
            if table.n_rows:
                self._add(table)
                yield table

    def _add(self, table: Table) -> None:
        features, y = table.split_target(self._target)
        if not self._rows:
            self._first = y[0]
            self._starts = {name: table[name][0] for name in table.names}
            self._constant = dict.fromkeys(table.names, True)
            self._equal = {name: kind == table.kinds[self._target] for name, kind in features.kinds.items()}
        self._rows += table.n_rows
        for name in table.names:
            column = table[name]
            self._constant[name] = self._constant[name] and bool((column == self._starts[name]).all())
            if self._equal.get(name):
                self._equal[name] = np.array_equal(column, y)
        if y.dtype == np.float64:
            self.least = min(self.least, float(y.min()))
            self._whole = self._whole and bool((y == np.floor(y)).all())
            known = np.empty(0) if self._values is None else self._values
            if self._count and len(known) <= MOST_DIFFERENT:
                self._values = np.unique(np.concatenate([known, y]))

    def seen(self, spool: Spool) -> Seen:
        """Return what is to be known of the target."""
        if self._target not in spool.texts:
            values = np.empty(0) if self._values is None else self._values
            return Seen(self._rows, values, number=True, whole=self._whole, first=self._first)
        texts = spool.texts[self._target].copy()
        texts.sort()
        return Seen(self._rows, texts, number=False, whole=False, first=self._first)

    def warnings(self) -> list[str]:
        """Return what looks wrong, as :func:`~thalweg.exchange.targets.table_warnings` does of a whole table."""
        target = shown(self._target)
        told = []
        if self._constant[self._target] and isinstance(self._first, float):
            told.append(f"DATA-CONSTANT-TARGET: the target {target} never changes")
        for name, equal in self._equal.items():
            if self._constant[name]:
                told.append(f"DATA-CONSTANT: column {shown(name)} never changes")
            elif equal:
                told.append(f"DATA-LEAK: column {shown(name)} equals {target} in every row (leak?)")
        return told


@final
class _Places:
    """Which rows of a table on disk are in which part."""

    def __init__(self, spool: Spool, part_of: NDArray[np.uint8], target: str) -> None:
        self.spool, self._part_of, self.target = spool, part_of, target

    def of(self, part: str, order: Array | None = None) -> Iterator[tuple[Table, Values]]:
        """Go through the rows of a part, features and target, in the order of strips that is given."""
        strips = np.arange(self.spool.strips) if order is None else order
        for first in range(0, len(strips), _STRIPS):
            table, numbers = self.spool.read(strips[first : first + _STRIPS].tolist())
            keep = self._part_of[numbers] == PARTS.index(part)
            if keep.any():
                yield table.rows(keep).split_target(self.target)

    def held(self, preparation: Preparation) -> tuple[Array, Values, NDArray[np.uint8], tuple[str, ...]]:
        """Return features, target and part of the rows to choose with and to look at last; and what was noticed.

        Raises
        ------
        LimitError
            DATA-TOO-LARGE: they do not fit into memory, for the many features that columns of text make.
        """
        from thalweg.exchange.tables.source import free_memory

        tables: list[Table] = []
        places: list[NDArray[np.int64]] = []
        for first in range(0, self.spool.strips, _STRIPS):
            table, numbers = self.spool.read(range(first, min(first + _STRIPS, self.spool.strips)))
            keep = self._part_of[numbers] != 0
            tables.append(table.rows(keep))
            places.append(numbers[keep])
        names, at = self.spool.names, np.concatenate(places)
        features, room = len(preparation.feature_names), free_memory() // 2
        if 8 * len(at) * features > room:
            what = f"{len(at)} rows to choose with and to look at last x {features} features"
            hint = "Lower --validation-fraction and --test-fraction, or leave a column of text out with --drop."
            raise LimitError("DATA-TOO-LARGE", self.spool.name, f"{what} do not fit into memory", hint)
        joined = Table(names, [np.concatenate([each[name] for each in tables]) for name in names], self.spool.name)
        columns, y = joined.split_target(self.target)
        found = preparation.transform(columns)
        unseen = [each._replace(row=int(at[each.row - 1]) + 1) for each in found.unseen]
        return found.X, y, self._part_of[at], (*found.noticed, *map(str, unseen))


@final
class _Training(Stream):
    """The rows to learn from."""

    read_ahead = True

    def __init__(self, places: _Places, preparation: Preparation, design: Design, rows: int) -> None:
        from thalweg.engine import streams

        self.name, self.n_rows = places.spool.name, rows
        self.feature_names = preparation.feature_names
        self._places, self._preparation = places, preparation
        self.block_size = block_size(len(self.feature_names), design.dtype, sparse=False)
        self._order: Array | None = None
        if rows > self.block_size:  # one block is shuffled as a whole, and then as in memory
            generator = streams.generator(streams.seed_sequence(design.seed), streams.SPLIT, 2)
            self._order = generator.permutation(places.spool.strips)

    def chunks(self) -> Iterator[Chunk]:
        """Go through the rows; see :meth:`Stream.chunks`."""
        for features, y in self._places.of("train", self._order):
            yield Chunk(self._preparation.transform(features).X, y)


def _divide(
    spool: Spool, target: str, design: Design, most: int, *, classes: bool
) -> tuple[NDArray[np.uint8], tuple[str, ...], bool]:
    """Return the part of each row, what looks wrong with the parts, and whether they have fewer rows than asked for."""
    lowered = max(design.test, design.validation or 0.0) * spool.n_rows > most
    if spool.n_rows > DRAWN_AT_ONCE or lowered:
        return row_by_row(spool.n_rows, design, most), (), lowered
    pieces = (range(first, min(first + _STRIPS, spool.strips)) for first in range(0, spool.strips, _STRIPS))
    y = np.concatenate([spool.read(strips)[0][target] for strips in pieces])
    places, warnings = at_random(y, design, classes=classes)
    part_of = np.zeros(spool.n_rows, np.uint8)
    for part, at in places.items():
        part_of[at] = PARTS.index(part)
    return part_of, warnings, False


def _outputs(loss: Loss, classes: list[Any], design: Design, places: _Places, named: str) -> Outputs:
    """Return what scores stand for: classes, or numbers that are standardised by the rows to learn from."""
    learned: set[Any] = set()
    if classes:
        for _, y in places.of("train"):
            learned.update(y.tolist())
            if len(learned) > 1:
                return Outputs.classification(loss, classes)
        raise DataError("DATA-FEW-ROWS", "", "only one class among the rows to learn from", "Take another --seed.")
    if not design.scales_target(loss):
        return Outputs.regression(loss, 0.0, 1.0)
    columns = (Table([places.target], [y]) for _, y in places.of("train"))
    found = Preparation.learn(columns, named).columns[0]
    assert isinstance(found, Number)  # noqa: S101 - a regression has a target of numbers
    return Outputs.regression(loss, found.mean, found.scale)
