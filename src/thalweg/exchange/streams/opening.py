"""What a source is, and the stream that reads it."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from thalweg.descent.settings import check_count
from thalweg.descent.stream import Stream
from thalweg.errors import DataError, SettingError, StorageError
from thalweg.exchange.streams.tabular import BatchStream, Roles, arrow_needed
from thalweg.exchange.tables.cells import shown
from thalweg.exchange.tables.source import PARQUET_ENDINGS

_DELIMITED = {".csv", ".tsv", ".tab"}
_SVMLIGHT = {".svmlight", ".libsvm", ".svm"}


def stream(
    source: Any,
    y: ArrayLike | str | os.PathLike[str] | None = None,
    *,
    target: str | Sequence[str] | None = None,
    sample_weight: ArrayLike | str | None = None,
    drop: Sequence[str] = (),
    prepare: bool = False,
    classes: ArrayLike | None = None,
    n_rows: int | None = None,
    n_features: int | None = None,
    zero_based: bool | None = None,
    block_size: int | None = None,
) -> Stream:
    r"""Read rows in chunks: files larger than memory, arrays on disk, Arrow, iterators of chunks.

    What comes out is taken by ``fit`` of the estimators in the place of ``X`` and ``y``. However the source is cut, the
    weights have the same bits, and those of a fit in memory in the same order.

    Parameters
    ----------
    source : path, array, or what gives chunks
        * a ``.parquet`` or ``.csv`` file (``.csv.gz``, ``.tsv`` too), or a folder of them, with ``target``;
        * a ``.npy`` file or an array, with ``y``, or one with named fields, with ``target``;
          a memory map stays on disk;
        * a SciPy CSR matrix, with ``y``;
        * a ``.svmlight`` or ``.libsvm`` file;
        * anything with ``__arrow_c_stream__``, such as a table of pyarrow or polars or a query, with ``target``;
        * a function without arguments that gives an iterator, a list, or an iterator, of chunks: ``(X, y)``,
          ``(X, y, weights)``, or data frames with ``target``. An iterator lasts for one epoch.
    y : array-like or path of a .npy file, optional
        Targets (n,) or (n, outputs), for arrays.
    target : str or sequence of str, optional
        The column, or columns, to predict, for what has names.
    sample_weight : array-like or str, optional
        Weights (n,) of the rows, for arrays; or the name of their column.
    drop : sequence of str
        Columns that are left out.
    prepare : bool
        Standardise columns of numbers and encode columns of text, as learned in a pass of its own over all rows;
        missing numbers become the mean. For files of tables and Arrow.
    classes : array-like, optional
        All labels, for a classifier; spares it a pass over the targets.
    n_rows : int, optional
        Number of rows, where the source does not know it; spares a schedule a pass over the targets.
    n_features : int, optional
        Columns of an svmlight file; spares a pass over it, with ``zero_based``.
    zero_based : bool, optional
        Whether the columns of an svmlight file are counted from 0.
    block_size : int, optional
        Rows that are shuffled together, and held in memory four times over. Without it 65,536, or as
        many as take 16 MiB.

    Returns
    -------
    Stream

    Raises
    ------
    StorageError
        A file that cannot be opened, or what needs pyarrow.
    DataError
        A source of another kind; columns that are not there, or hold what is no number.
    SettingError
        Options that do not go together.

    Notes
    -----
    Rows are shuffled within blocks: ``shuffle=True`` draws the order of each from the seed, the epoch and where the
    block begins. Shuffle a file that is sorted by its target before. ``shuffle=False`` takes rows as they come.
    A fitted ``learning_rate="auto"`` is tested on the first block.

    Standardising by scikit-learn composes: go through the stream once for ``partial_fit``, and take
    ``stream.map(scaler.transform)``. With ``prepare=True`` means and variances are combined over fixed blocks; up to
    65,536 rows they are those in memory, beyond they differ in the last digits.

    Examples
    --------
    >>> from thalweg import LinearRegressor
    >>> X = np.arange(12.0).reshape(6, 2) / 10
    >>> rows = stream(lambda: ((X[k : k + 1], X[k : k + 1].sum(axis=1)) for k in range(6)))
    >>> fitted = LinearRegressor(batch_size=2, max_iter=3, tol=None, random_state=0).fit(rows)
    >>> whole = LinearRegressor(batch_size=2, max_iter=3, tol=None, random_state=0).fit(X, X.sum(axis=1))
    >>> bool((fitted.coef_ == whole.coef_).all())
    True
    """
    if isinstance(source, Stream):
        raise SettingError("SETTING-STREAM", "source", "is a stream already")
    weight = sample_weight if isinstance(sample_weight, str) else None
    roles = Roles(target, weight, (drop,) if isinstance(drop, str) else tuple(drop))
    beside = None if weight is not None else sample_weight
    if isinstance(source, str | os.PathLike):
        made = _of_path(Path(source), y, beside, roles, prepare=prepare, n_features=n_features, zero_based=zero_based)
    else:
        made = _of_object(source, y, beside, roles, prepare=prepare)
    if prepare and not hasattr(made, "preparation"):
        what = f"prepares the columns of tables; {made!r:.60} has none"
        raise SettingError("SETTING-STREAM", "prepare", what, "Map it: stream.map(scaler.transform).")
    if n_rows is not None:
        made.n_rows = check_count("n_rows", n_rows)
    if classes is not None:
        made.classes = np.unique(np.asarray(classes))
    if block_size is not None:
        made.block_size = check_count("block_size", block_size)
    return made


def _of_path(
    path: Path,
    y: Any,
    weights: Any,
    roles: Roles,
    *,
    prepare: bool,
    n_features: int | None,
    zero_based: bool | None,
) -> Stream:
    name, ending = shown(str(path), 200), _ending(path)
    if ending == ".npy":
        from thalweg.exchange.streams.arrays import load

        return _of_array(load(path), y, weights, roles, name)
    if y is not None or weights is not None:
        raise SettingError("SETTING-STREAM", "y", "is for arrays; name the column as target", f"Of {name}.")
    if ending in _SVMLIGHT:
        from thalweg.exchange.streams.svmlight import SvmlightStream

        return SvmlightStream(path, n_features, zero_based=zero_based)
    parts = _parts(path)
    if importlib.util.find_spec("pyarrow") is None:
        raise arrow_needed(name)
    from thalweg.exchange.streams.files import DelimitedStream, ParquetStream

    kinds = {_ending(part) for part in parts}
    if kinds <= PARQUET_ENDINGS:
        return _prepared(ParquetStream(name, parts, roles, text=prepare), prepare=prepare)
    if kinds <= _DELIMITED:
        return _prepared(DelimitedStream(name, parts, roles, text=prepare), prepare=prepare)
    hint = "Read are .parquet, .csv, .tsv, .npy, .svmlight, and folders of Parquet or CSV files."
    raise DataError("FILE-FORMAT", name, f"is not read as a stream: '{shown(ending)}'", hint)


def _of_object(source: Any, y: Any, weights: Any, roles: Roles, *, prepare: bool) -> Stream:
    if isinstance(source, np.ndarray) or (hasattr(source, "tocsr") and not isinstance(source, type)):
        if not isinstance(source, np.ndarray):
            source = source.tocsr()
        return _of_array(source, y, weights, roles, "array")
    if hasattr(source, "__arrow_c_stream__"):
        if importlib.util.find_spec("pyarrow") is None:
            raise arrow_needed(type(source).__name__)
        from thalweg.exchange.streams.capsule import CapsuleStream

        return _prepared(CapsuleStream(source, roles, text=prepare), prepare=prepare)
    if callable(source) or isinstance(source, Iterable | Iterator):
        from thalweg.exchange.streams.given import GivenStream

        if y is not None or weights is not None:
            raise SettingError("SETTING-STREAM", "y", "is for arrays; chunks are (X, y) or (X, y, weights)")
        made: Callable[[], Iterable[Any]] | Iterable[Any] = source
        return GivenStream(made, roles)
    what = f"is {type(source).__name__}, which is not read as a stream"
    raise DataError("DATA-STREAM", "source", what, "A path, an array, or what gives chunks: see thalweg.stream.")


def _of_array(X: Any, y: Any, weights: Any, roles: Roles, name: str) -> Stream:
    from thalweg.exchange.streams.arrays import ArrayStream, RecordArrayStream, load

    if isinstance(X, np.ndarray) and X.dtype.names:
        if not roles.targets:
            raise SettingError("SETTING-STREAM", "target", f"must name the field of {name} to predict")
        return RecordArrayStream(X, roles, name)
    if X.ndim != 2 or X.dtype.kind not in "biuf":
        raise DataError("DATA-SHAPE", name, f"must be rows and columns of numbers, is {X.dtype} of shape {X.shape}")
    beside = [load(Path(each)) if isinstance(each, str | os.PathLike) else each for each in (y, weights)]
    return ArrayStream(X, beside[0], beside[1], name)


def _prepared(base: BatchStream, *, prepare: bool) -> Stream:
    if not prepare:
        return base
    from thalweg.exchange.streams.prepared import PreparedStream

    return PreparedStream(base)


def _parts(path: Path) -> list[Path]:
    """Return the files of a folder by name, all of one kind; the file itself for a file."""
    if not path.is_dir():
        return [path]
    found = sorted(part for part in path.iterdir() if not part.name.startswith((".", "_")))
    parts = [part for part in found if _ending(part) in PARQUET_ENDINGS | _DELIMITED]
    if not parts:
        raise StorageError("FILE-OPEN", shown(str(path), 200), "is a folder without Parquet or CSV files")
    return parts


def _ending(path: Path) -> str:
    endings = [ending.lower() for ending in path.suffixes[-2:]]
    if endings[-1:] == [".gz"]:
        endings.pop()
    return endings[-1] if endings else ""
