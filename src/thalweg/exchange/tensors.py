"""Named arrays and a text in one safetensors file, read so strictly that no byte of it can change unnoticed.

The safetensors library refuses most damage, but takes two arrays of one name, values that are not finite, and a
flipped bit among the numbers. Here every such file is refused, and nothing in a file can name code to run: what is
not such a file is not tried with another reader.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.errors import LimitError, ModelFileError, StorageError
from thalweg.exchange.files import atomic_write
from thalweg.exchange.tables.cells import shown
from thalweg.exchange.tables.source import free_memory

Array = NDArray[Any]

#: The key of the text in the header.
_KEY = "thalweg"
_LONGEST_HEADER = 16 << 20
_DTYPES: dict[str, np.dtype[Any]] = {"F64": np.dtype("<f8"), "F32": np.dtype("<f4")}
#: Files that run code when their own readers open them, or that pack such files.
_STRANGERS = {
    b"\x80\x02": "a pickle, which can run code",
    b"\x80\x03": "a pickle, which can run code",
    b"\x80\x04": "a pickle, which can run code",
    b"\x80\x05": "a pickle, which can run code",
    b"PK\x03\x04": "a zip archive (a PyTorch, NumPy or skops file?), which can hold a pickle",
    b"\x93NUMPY": "a NumPy array, which can hold a pickle",
    b"\x1f\x8b": "a gzip file, which can hold a pickle",
    b"x\x9c": "compressed (a joblib file?), which can hold a pickle",
    b"x\x01": "compressed (a joblib file?), which can hold a pickle",
    b"ZF": "compressed (a joblib file?), which can hold a pickle",
    b"BZh": "a bzip2 file, which can hold a pickle",
    b"\xfd7zXZ": "an xz file, which can hold a pickle",
    b"\x89HDF": "an HDF5 file",
}


def write(path: str | os.PathLike[str], description: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Write a file; the same content gives the same bytes.

    Parameters
    ----------
    path : path-like
        The file.
    description : mapping
        What the arrays mean: plain data without numbers that are not finite.
    arrays : mapping of str to ndarray
        float64 or float32.

    Raises
    ------
    StorageError
        The file cannot be written.
    """
    from safetensors.numpy import save

    content = {name: np.ascontiguousarray(array, array.dtype.newbyteorder("<")) for name, array in arrays.items()}
    text = _canonical({"description": dict(description), "sha256": _digest(description, content)})
    # One key only: the order of several would change from run to run.
    atomic_write(path, save(content, metadata={_KEY: text}))


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the description and the arrays of a file.

    Raises
    ------
    ModelFileError
        The file is damaged or of another kind: MODEL-SHORT, MODEL-FORMAT, MODEL-HEADER, MODEL-META, MODEL-DTYPE,
        MODEL-LAYOUT, MODEL-SIZE, MODEL-DUPLICATE, MODEL-HASH.
    StorageError
        MODEL-OPEN: it cannot be read.
    LimitError
        MODEL-TOO-LARGE: it does not fit into memory.
    """
    name = shown(str(path), 200)
    content = _bytes(path, name)
    header, data = _header(content, name)
    metadata = header.pop("__metadata__", None)
    arrays = _arrays(header, data, name)
    envelope = _envelope(metadata, name)
    if _digest(envelope["description"], arrays) != envelope["sha256"]:
        raise ModelFileError("MODEL-HASH", name, "the checksum does not fit the content: the file is damaged", _AGAIN)
    return envelope["description"], arrays


_AGAIN = "Copy it again from where it came, or train again."


def _bytes(path: str | os.PathLike[str], name: str) -> bytes:
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):
            raise ModelFileError("MODEL-OPEN", name, "is a folder, a device or a pipe, not a file")
        if status.st_size > free_memory() // 2:
            raise LimitError(
                "MODEL-TOO-LARGE", name, f"has {status.st_size >> 20} MiB, more than half of the free memory"
            )
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise StorageError("MODEL-OPEN", name, "there is no such file", "thalweg train writes one.") from error
    except PermissionError as error:
        raise StorageError("MODEL-OPEN", name, "no permission to read it", "Change its permissions.") from error
    except OSError as error:
        raise StorageError("MODEL-OPEN", name, f"cannot be read: {shown(error.strerror or str(error), 120)}") from error


def _header(content: bytes, name: str) -> tuple[dict[str, Any], bytes]:
    """Return the parsed header and the bytes behind it."""
    if len(content) < 8:
        raise ModelFileError("MODEL-SHORT", name, f"has only {len(content)} bytes; it is no model or was cut", _AGAIN)
    length = int.from_bytes(content[:8], "little")
    plausible = length <= min(_LONGEST_HEADER, len(content) - 8)
    if content[8:9] != b"{" and not plausible:
        kind = next(
            (kind for start, kind in _STRANGERS.items() if content.startswith(start)), "no model file of thalweg"
        )
        hint = "Only files of thalweg train and thalweg.save are opened. Train again, or convert it where it came from."
        raise ModelFileError("MODEL-FORMAT", name, f"is {kind}; it is refused", hint)
    if not plausible:
        what = f"the header claims {length} bytes, the file has {len(content)} (at most {_LONGEST_HEADER} are read)"
        raise ModelFileError("MODEL-HEADER", name, what, _AGAIN)
    if content[8:9] != b"{":
        raise ModelFileError("MODEL-HEADER", name, "the header does not begin with '{'", _AGAIN)
    try:
        header = json.loads(content[8 : 8 + length].decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse)
    except _DuplicateError as error:
        raise ModelFileError(
            "MODEL-DUPLICATE", name, f"'{shown(str(error))}' stands twice in the header", _AGAIN
        ) from None
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        what = f"the header cannot be read ({shown(str(error), 80)})"
        raise ModelFileError("MODEL-HEADER", name, what, _AGAIN) from None
    return header, content[8 + length :]


def _arrays(header: dict[str, Any], data: bytes, name: str) -> dict[str, Array]:
    """Return the arrays, which must fill the data from end to end."""
    spans = []
    for key, entry in header.items():
        where = f"{name}, tensor '{shown(key)}'"
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            raise ModelFileError("MODEL-HEADER", where, "has not exactly a dtype, a shape and offsets", _AGAIN)
        if not isinstance(entry["dtype"], str) or entry["dtype"] not in _DTYPES:
            what = f"is of type {shown(str(entry['dtype']))}; allowed: {', '.join(_DTYPES)}"
            raise ModelFileError("MODEL-DTYPE", where, what)
        shape, offsets = entry["shape"], entry["data_offsets"]
        if not (_counts(shape) and _counts(offsets) and len(offsets) == 2):
            raise ModelFileError("MODEL-LAYOUT", where, "its shape or its offsets are not whole numbers from 0", _AGAIN)
        cells = 1
        for size in shape:
            cells *= size
        if cells * _DTYPES[entry["dtype"]].itemsize != offsets[1] - offsets[0]:
            raise ModelFileError("MODEL-LAYOUT", where, "its shape does not fit its bytes", _AGAIN)
        spans.append((offsets[0], offsets[1], key))
    spans.sort()
    end = 0
    for start, stop, key in spans:
        if start != end:
            what = "overlaps the one before it" if start < end else f"leaves a hole of {start - end} bytes before it"
            raise ModelFileError("MODEL-LAYOUT", f"{name}, tensor '{shown(key)}'", what, _AGAIN)
        end = stop
    if end != len(data):
        what = f"has {len(data)} bytes of data, its header describes {end}"
        raise ModelFileError("MODEL-SIZE", name, what, _AGAIN)
    return {
        key: np.frombuffer(data[start:stop], _DTYPES[header[key]["dtype"]]).reshape(header[key]["shape"])
        for start, stop, key in spans
    }


def _envelope(metadata: object, name: str) -> dict[str, Any]:
    """Return description and checksum from the text in the header."""
    text = metadata.get(_KEY) if isinstance(metadata, dict) and len(metadata) == 1 else None
    if not isinstance(text, str):
        what = "its header has no description of a model: it was not written by thalweg train"
        raise ModelFileError("MODEL-META", name, what)
    try:
        envelope = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
        exact = _canonical(envelope) == text
    except (ValueError, TypeError, RecursionError):
        envelope, exact = None, False
    whole = isinstance(envelope, dict) and set(envelope) == {"description", "sha256"}
    if not exact or not whole or not isinstance(envelope["description"], dict):
        raise ModelFileError("MODEL-META", name, "the description of the model is not as it was written", _AGAIN)
    return dict(envelope)


def _counts(value: object) -> bool:
    return isinstance(value, list) and len(value) <= 8 and all(type(v) is int and 0 <= v < 1 << 48 for v in value)


def _canonical(value: Mapping[str, Any]) -> str:
    """Return the one text of plain data; numbers come back from it with the same bits."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _digest(description: Mapping[str, Any], arrays: Mapping[str, Array]) -> str:
    """Return SHA-256 over the description and, by name, the type, shape and bytes of every array."""
    digest = hashlib.sha256(_canonical(dict(description)).encode())
    for key in sorted(arrays):
        array = arrays[key]
        digest.update(f"\n{key} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


class _DuplicateError(ValueError):
    """A key that stands twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _DuplicateError(next(key for key in keys if keys.count(key) > 1))
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")
