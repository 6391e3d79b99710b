"""Parquet files read in a process of their own, so that a damaged one ends that process and not this one.

pyarrow calls ``abort()`` over some damaged footers. The process answers with plain bytes: a line of JSON, then the
columns one after another, float64 as it stands in memory and text as JSON.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import errors
from thalweg.errors import DataError, LimitError, StorageError, ThalwegError
from thalweg.exchange.tables.content import Choice, Content, Progress
from thalweg.exchange.tables.source import Source

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from thalweg.exchange.tables.columns import Values

#: Bytes that pyarrow may take beside the table.
_ROOM_TO_WORK = 1 << 30
_PROGRAM = """
import json, sys
request = json.load(sys.stdin)
sys.path[:] = request["path"]
from thalweg.exchange.tables.parquet_process import answer
answer(request)
"""


def read_parquet(sources: Sequence[Source], choice: Choice, table: str) -> Content:
    """Read Parquet files of one schema, one after another.

    Parameters
    ----------
    sources : sequence of Source
        The parts in order.
    choice : Choice
        What is wanted.
    table : str
        The file or folder, for messages; rows are counted over all parts.

    Raises
    ------
    StorageError
        FILE-PARQUET-EXTRA where pyarrow is not installed.
    DataError, LimitError
        As `thalweg.exchange.tables.parquet.read_parts`; FILE-PARQUET too where the file ends its reader.
    """
    request = _request(sources, choice, table)
    command = [sys.executable, "-c", _PROGRAM]
    done = subprocess.run(command, input=json.dumps(request).encode(), capture_output=True, check=False)  # noqa: S603  # ours
    if done.returncode:
        raise _ended(table)
    for source in sources:
        source.check_unchanged()
    return _unpack(done.stdout)


def read_pieces(sources: Sequence[Source], choice: Choice, table: str) -> Generator[Content]:
    """Read Parquet files as :func:`read_parquet` does, batch by batch; the warnings come with a last, empty one."""
    request = json.dumps(_request(sources, choice, table) | {"pieces": True}).encode()
    command = [sys.executable, "-c", _PROGRAM]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reader:  # noqa: S603  # ours
        assert reader.stdin is not None and reader.stdout is not None  # noqa: S101, PT018 - pipes
        try:
            reader.stdin.write(request)
            reader.stdin.close()
            while head := reader.stdout.readline():
                size = sum(json.loads(head).get("sizes", []))
                body = reader.stdout.read(size)
                if len(body) < size:
                    raise _ended(table)
                yield _unpack(head + body)
            if reader.wait():
                raise _ended(table)
        finally:
            reader.kill()
    for source in sources:
        source.check_unchanged()


def _request(sources: Sequence[Source], choice: Choice, table: str) -> dict[str, Any]:
    """Return what the process is asked; StorageError where it could not answer."""
    if importlib.util.find_spec("pyarrow") is None:
        what = "reading Parquet needs pyarrow: pip install 'thalweg[arrow]'"
        raise StorageError("FILE-PARQUET-EXTRA", table, what)
    return {
        "path": sys.path,
        "sources": [asdict(source) | {"path": str(source.path.absolute())} for source in sources],
        "choice": asdict(choice) | {"drop": sorted(choice.drop)},
        "table": table,
    }


def _ended(table: str) -> DataError:
    what = "the file is damaged in a way that ends its reader"
    return DataError("FILE-PARQUET", table, what, "Is the file complete? Copy or write it again.")


def answer(request: dict[str, Any]) -> None:
    """Read what the request asks for, and write the content, or the error, to the standard output."""
    import pyarrow.parquet  # noqa: F401  # before the limit: it takes address space that is no table

    from thalweg.exchange.tables.parquet import read_blocks, read_parts

    choice = Choice(**request["choice"] | {"drop": frozenset(request["choice"]["drop"])})
    sources = [
        Source(**each | {"path": Path(each["path"]), "stamp": tuple(each["stamp"])}) for each in request["sources"]
    ]
    pieces = "pieces" in request
    _limit_memory(2 * _ROOM_TO_WORK if pieces else _ROOM_TO_WORK + 2 * choice.memory)
    packed: list[bytes] = []
    try:
        if pieces:
            progress = Progress()
            for _ in read_blocks(sources, choice, request["table"], progress):
                _send(_pack(_taken(progress, choice)))
            progress.end(choice, request["table"])
            packed = _pack(_taken(progress, choice)._replace(warnings=tuple(progress.warnings)))
        else:
            packed = _pack(read_parts(sources, choice, request["table"]))
    except ThalwegError as error:
        packed = [_line({"error": [type(error).__name__, *error.args]})]
    except MemoryError:
        what = f"reading it takes more memory than the {choice.memory / 2**20:.3g} MiB that its table may have"
        packed = [_line({"error": [LimitError.__name__, "FILE-TOO-LARGE", request["table"], what, ""]})]
    _send(packed)


def _taken(progress: Progress, choice: Choice) -> Content:
    return Content(tuple(reader.name for reader in progress.readers), progress.take(choice), None, ())


def _send(packed: list[bytes]) -> None:
    for part in packed:
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()


def _pack(content: Content) -> list[bytes]:
    """Return a table as a line of JSON and the bytes of its columns."""
    bodies = [c.tobytes() if c.dtype == np.float64 else json.dumps(c.tolist()).encode() for c in content.columns]
    kinds = ["number" if column.dtype == np.float64 else "text" for column in content.columns]
    sizes = [len(body) for body in bodies]
    return [_line({"names": content.names, "kinds": kinds, "sizes": sizes, "warnings": content.warnings}), *bodies]


def _unpack(answered: bytes) -> Content:
    """Return the table, or raise the error, that `answer` wrote."""
    end = answered.index(b"\n") + 1
    head = json.loads(answered[:end])
    if "error" in head:
        kind, *parts = head["error"]
        raise getattr(errors, kind)(*parts)
    columns: list[Values] = []
    for kind, size in zip(head["kinds"], head["sizes"], strict=True):
        if kind == "number":
            column: Values = np.frombuffer(answered, np.float64, size // 8, end)
        else:
            cells = json.loads(answered[end : end + size])
            column = np.empty(len(cells), object)
            column[:] = cells
            column.flags.writeable = False
        columns.append(column)
        end += size
    return Content(tuple(head["names"]), tuple(columns), None, tuple(head["warnings"]))


def _line(head: dict[str, Any]) -> bytes:
    return json.dumps(head).encode() + b"\n"


def _limit_memory(room: int) -> None:
    """Let this process take at most so many more bytes, where the system has such a limit."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        taken = pages * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + room, resource.getrlimit(resource.RLIMIT_AS)[1]))
