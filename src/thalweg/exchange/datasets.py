"""Ready tables for ``dataset:NAME``: bundled with scikit-learn, drawn by a formula, or downloaded once.

Every one is the same on every machine: what is random has a seed, what is downloaded a checksum.
"""

from __future__ import annotations

import hashlib
import inspect
import io
import numbers
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.errors import LimitError, StorageError, UsageError
from thalweg.exchange.files import atomic_write, make_folder
from thalweg.exchange.tables import Table, read_table
from thalweg.exchange.tables.cells import NumberFormat, did_you_mean, shown

if TYPE_CHECKING:
    from collections.abc import Callable

#: Where the airfoil table comes from: Brooks, Pope and Marcolini (1989), UCI Machine Learning Repository, CC BY 4.0.
AIRFOIL_URL = "https://archive.ics.uci.edu/static/public/291/airfoil+self+noise.zip"
#: SHA-256 of the table with LF at the line ends; the archive's own file may have CRLF.
AIRFOIL_SHA256 = "10ee06e6cfb27dae6b44213d421d217012fb1f9b697592e73a4e4016b52d425f"
_AIRFOIL_FILE = "airfoil_self_noise"
_AIRFOIL_COLUMNS = (
    "frequency",
    "angle_of_attack",
    "chord_length",
    "free_stream_velocity",
    "suction_side_displacement_thickness",
    "sound_pressure",
)
_AIRFOIL_MOST_BYTES = 1 << 20
_MOST_ROWS = 10_000_000
_MOST_CELLS = 50_000_000


def load(name: str, **options: float) -> Table:
    """Return a ready table by its name.

    Parameters
    ----------
    name : str
        Such as ``"diabetes"`` or ``"dataset:diabetes"``. Options of a generator may stand behind a colon:
        ``"quadratic:condition=1000,rows=500"``.
    **options : float
        The same options, given by keyword.

    Returns
    -------
    table : Table
        With its `default_target`.

    Raises
    ------
    UsageError
        DATASET-UNKNOWN, DATASET-OPTION: with what there is, and the nearest.
    StorageError
        A table that has to be downloaded and cannot be.

    Examples
    --------
    >>> load("ten-points")
    Table(dataset:ten-points: 10 rows, 2 columns)
    >>> round(float(load("line:rows=5,noise=0,slope=3")["y"].max()), 12)
    4.0
    """
    plain, _, written = name.removeprefix("dataset:").partition(":")
    if plain not in _SOURCES:
        hint = did_you_mean(plain, names())
        raise UsageError("DATASET-UNKNOWN", f"dataset:{shown(plain)}", f"there are {', '.join(names())}", hint)
    make, where = _SOURCES[plain], f"dataset:{plain}"
    given = _parse_options(written, where) | options
    allowed = {p.name: p.default for p in inspect.signature(make).parameters.values()}
    for option, value in given.items():
        if option not in allowed:
            has = f"it has {', '.join(allowed)}" if allowed else "it has none"
            what = f"'{shown(option)}' is not an option of it; {has}"
            raise UsageError("DATASET-OPTION", where, what, did_you_mean(option, list(allowed)))
        given[option] = _checked(option, value, allowed[option], where)
    table = make(**given)
    return Table(table.names, table.columns, f"dataset:{plain}", table.delimiter, table.warnings, table.default_target)


def names() -> list[str]:
    """Return the names of all ready tables."""
    return sorted(_SOURCES)


def options(name: str) -> dict[str, float]:
    """Return the options of a ready table and their defaults; empty for a table that is what it is.

    Examples
    --------
    >>> options("sine")
    {'rows': 100}
    """
    return {p.name: p.default for p in inspect.signature(_SOURCES[name]).parameters.values()}


# Tables that are drawn by a formula


def _line(*, rows: int = 100, slope: float = 2.0, intercept: float = 1.0, noise: float = 0.1, seed: int = 0) -> Table:
    """Return y = slope * x + intercept + noise, x evenly from 0 to 1."""
    x = np.linspace(0.0, 1.0, rows)
    y = slope * x + intercept + noise * np.random.default_rng(seed).standard_normal(rows)
    return Table(["x", "y"], [x, y], default_target="y")


def _ten_points() -> Table:
    """Return ten points near the line y = 2 x + 1."""
    x = [0.0, 0.5, 0.8, 1.1, 1.5, 1.9, 2.2, 2.4, 2.6, 3.0]
    y = [0.9, 2.1, 2.7, 3.1, 4.1, 4.8, 5.1, 5.9, 6.0, 7.0]
    return Table(["x", "y"], [x, y], default_target="y")


def _sine(*, rows: int = 100) -> Table:
    """Return y = 20 sin(2 pi x), x = 0, 1/rows, 2/rows, ... below 1."""
    x = np.arange(rows) / rows
    return Table(["x", "y"], [x, 20.0 * np.sin(2.0 * np.pi * x)], default_target="y")


def _moons(*, rows: int = 300, noise: float = 0.2, seed: int = 3) -> Table:
    """Return two half circles that hold each other."""
    from sklearn.datasets import make_moons

    points, y = make_moons(n_samples=rows, noise=noise, random_state=seed)
    return Table(["x1", "x2", "y"], [points[:, 0], points[:, 1], y], default_target="y")


def _circles(*, rows: int = 300, noise: float = 0.1, factor: float = 0.5, seed: int = 3) -> Table:
    """Return one circle inside another; `factor` is the ratio of their sizes."""
    from sklearn.datasets import make_circles

    points, y = make_circles(n_samples=rows, noise=noise, factor=factor, random_state=seed)
    return Table(["x1", "x2", "y"], [points[:, 0], points[:, 1], y], default_target="y")


def _quadratic(
    *, condition: float = 100.0, rows: int = 500, features: int = 10, noise: float = 0.0, seed: int = 0
) -> Table:
    """Return least squares whose Hessian has the condition number that is asked for, standardised or not.

    The features have mean 0, variance 1 and a correlation matrix with eigenvalues in geometric progression from
    largest to smallest = largest / condition. Their mean is 1, the eigenvalue of the intercept, so that an intercept
    changes nothing, and neither does standardising.
    """
    from scipy.stats import random_correlation

    if rows <= features:
        what = f"rows must be more than features, got {rows} rows and {features} features"
        raise UsageError("DATASET-OPTION", "dataset:quadratic", what)
    if rows * features > _MOST_CELLS:
        what = f"{rows} rows x {features} features are more than {_MOST_CELLS} cells"
        raise LimitError("DATASET-TOO-LARGE", "dataset:quadratic", what)
    rng = np.random.default_rng(seed)
    eigenvalues = condition ** -np.linspace(0.0, 1.0, features)
    eigenvalues *= features / eigenvalues.sum()
    correlation = random_correlation.rvs(eigenvalues, random_state=rng, tol=1e-10)
    values, vectors = np.linalg.eigh(correlation)
    draws = rng.standard_normal((rows, features))
    orthogonal, _ = np.linalg.qr(draws - draws.mean(axis=0))
    x = np.sqrt(rows) * orthogonal * np.sqrt(values) @ vectors.T
    y = x @ rng.standard_normal(features) + noise * rng.standard_normal(rows)
    return Table([*(f"x{k}" for k in range(1, features + 1)), "y"], [*x.T, y], default_target="y")


# Tables that come with scikit-learn


def _bundled(loader: str, **settings: Any) -> Callable[[], Table]:
    """Return a function that loads one of scikit-learn's tables; classes appear by name where they have one."""

    def load_bundled() -> Table:
        import sklearn.datasets

        data = getattr(sklearn.datasets, loader)(**settings)
        classes = data.get("target_names")
        named = classes is not None and np.asarray(classes).dtype.kind in "UO"
        target = np.asarray(classes)[data.target] if named else data.target
        return Table([*data.feature_names, "target"], [*data.data.T, target], default_target="target")

    return load_bundled


# The table that is downloaded


def _airfoil() -> Table:
    """Return the sound of airfoils in a wind tunnel, in dB: 1503 rows, 5 features.

    Looked for as ``airfoil_self_noise.tsv`` or ``.dat`` in the folder that the environment variable THALWEG_DATA
    names, then in the cache; downloaded into the cache where it is in neither.
    """
    folder = os.environ.get("THALWEG_DATA")
    for ending in (".tsv", ".dat") if folder else ():
        given = Path(folder or "") / f"{_AIRFOIL_FILE}{ending}"
        if given.is_file():
            return _read_airfoil(given)
    import pooch  # type: ignore[import-untyped]

    cached = Path(pooch.os_cache("thalweg")) / f"{_AIRFOIL_FILE}.tsv"
    if not cached.is_file():
        _download_airfoil(cached)
    return _read_airfoil(cached)


def _read_airfoil(path: Path) -> Table:
    """Read a copy of the table after a look at its checksum."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StorageError("DATASET-READ", str(path), shown(error.strerror or str(error), 120)) from error
    _check_airfoil(content, str(path), "Delete the file, and it is downloaded again.")
    return read_table(path, delimiter="\t", header=False, names=_AIRFOIL_COLUMNS, target=_AIRFOIL_COLUMNS[-1])


def _check_airfoil(content: bytes, where: str, hint: str) -> bytes:
    """Return the table with LF at its line ends; StorageError where it is another table."""
    plain = content.replace(b"\r\n", b"\n")
    found = hashlib.sha256(plain).hexdigest()
    if found != AIRFOIL_SHA256:
        what = f"wrong checksum: SHA-256 is {found[:12]}..., expected {AIRFOIL_SHA256[:12]}..."
        raise StorageError("DATASET-CHECKSUM", shown(where, 200), what, hint)
    return plain


def _download_airfoil(cached: Path) -> None:
    """Fetch the archive, take the table out of it, look at its checksum, and only then put it into the cache."""
    import pooch

    hint = f"Put {_AIRFOIL_FILE}.dat into a folder of yours and name the folder in THALWEG_DATA."
    fetch = pooch.HTTPDownloader(timeout=30, stream=False)  # a streamed answer that is an error keeps its socket open
    archive = io.BytesIO()
    try:
        fetch(AIRFOIL_URL, archive, None)
    except OSError as error:  # what requests raises is an OSError: no network, no such page, a broken connection
        what = f"cannot be downloaded: {shown(str(error), 120)}"
        raise StorageError("DATASET-DOWNLOAD", AIRFOIL_URL, what, hint) from error
    try:
        with zipfile.ZipFile(archive) as packed:
            member = next(m for m in packed.namelist() if m.rpartition("/")[2] == f"{_AIRFOIL_FILE}.dat")
            with packed.open(member) as inside:
                content = inside.read(_AIRFOIL_MOST_BYTES)
    except (zipfile.BadZipFile, StopIteration, EOFError, OSError) as error:
        what = f"the download is no archive with {_AIRFOIL_FILE}.dat in it"
        raise StorageError("DATASET-DOWNLOAD", AIRFOIL_URL, what, hint) from error
    table = _check_airfoil(content, AIRFOIL_URL, hint)
    make_folder(cached.parent)
    atomic_write(cached, table)


_SOURCES: dict[str, Callable[..., Table]] = {
    "airfoil": _airfoil,
    "breast_cancer": _bundled("load_breast_cancer"),
    "circles": _circles,
    "diabetes": _bundled("load_diabetes", scaled=False),
    "digits": _bundled("load_digits"),
    "iris": _bundled("load_iris"),
    "line": _line,
    "moons": _moons,
    "quadratic": _quadratic,
    "sine": _sine,
    "ten-points": _ten_points,
    "wine": _bundled("load_wine"),
}


# Options

#: Smallest and largest value of every option.
_RANGES: dict[str, tuple[float, float]] = {
    "rows": (2, _MOST_ROWS),
    "features": (2, 1000),
    "condition": (1.0, 1e12),
    "noise": (0.0, 1e100),
    "factor": (0.0, 0.999999),
    "slope": (-1e100, 1e100),
    "intercept": (-1e100, 1e100),
    "seed": (0, 2**32 - 1),
}


def _parse_options(written: str, where: str) -> dict[str, float]:
    """Read ``condition=1000,rows=500``."""
    found: dict[str, float] = {}
    for part in filter(None, written.split(",")):
        option, equals, text = (piece.strip() for piece in part.partition("="))
        value = NumberFormat().number(text)
        if not equals or value is None:
            what = f"'{shown(part)}' is not an option with its number"
            raise UsageError("DATASET-OPTION", where, what, "Write it as in dataset:sine:rows=50.")
        if option in found:
            raise UsageError("DATASET-OPTION", where, f"'{shown(option)}' is given twice")
        found[option] = value
    return found


def _checked(option: str, value: Any, default: float, where: str) -> float:
    """Return the value of an option as the type of its default; UsageError where it is out of range."""
    lowest, highest = _RANGES[option]
    whole = isinstance(default, int)
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not lowest <= value <= highest or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        what = f"{option} must be {kind} from {lowest:g} to {highest:g}, got {shown(str(value))}"
        raise UsageError("DATASET-OPTION", where, what)
    return int(value) if whole else float(value)
