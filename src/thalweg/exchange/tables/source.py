"""The file behind a table: what it is, by its first bytes; opened with guards; unchanged while it is read."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import re
import stat
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

from thalweg.errors import DataError, LimitError, StorageError, UsageError
from thalweg.exchange.tables.cells import place, shown

if TYPE_CHECKING:
    from collections.abc import Generator

#: Endings of text tables, and the delimiter that the ending promises (None: the content decides).
TEXT_ENDINGS = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".txt": None, ".dat": None, ".data": None, "": None}
PARQUET_ENDINGS = {".parquet", ".pq"}
_SPREADSHEETS = {".xlsx", ".xlsm", ".xls", ".ods", ".numbers"}
_MAGIC = {
    b"\x89PNG": "PNG picture",
    b"\xff\xd8\xff": "JPEG picture",
    b"GIF87a": "GIF picture",
    b"GIF89a": "GIF picture",
    b"%PDF-": "PDF document",
    b"\x1f\x8b": "gzip file inside another",
    b"BZh91AY&SY": "bzip2 file (unpack it first)",
    b"\xfd7zXZ": "xz file (unpack it first)",
    b"\x28\xb5\x2f\xfd": "zstd file (unpack it first)",
    b"PK\x03\x04": "zip archive (unpack it first)",
    b"\x7fELF": "program",
    b"\x93NUMPY": "NumPy array",
    b"\x89HDF": "HDF5 file",
    b"ARROW1": "Arrow file",
    b"SQLite format 3": "SQLite database",
    b"PAR1\x15": "Parquet file inside a gzip file",
    b"\x80\x04\x95": "pickle",
    b"\x80\x05\x95": "pickle",
}
_MARKUP = {
    b"<!doctype": "HTML",
    b"<html": "HTML",
    b"<head": "HTML",
    b"<?xml": "XML",
    b"<svg": "SVG",
    b"{": "JSON",
    b"[{": "JSON",
}
_BOMS = {codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}
_LEGACY_SPREADSHEET = b"\xd0\xcf\x11\xe0"
#: A packed file may unpack to this many bytes freely; beyond, to at most `_MOST_UNPACKED` times its own size.
_FREELY_UNPACKED = 8 << 20
_MOST_UNPACKED = 200


@dataclass(frozen=True)
class Source:
    """A file that exists, is a regular file, and is of a kind that is read.

    Attributes
    ----------
    path : Path
        Where it is.
    name : str
        The path as messages show it.
    format : str
        ``"text"`` or ``"parquet"``.
    packed : bool
        Whether it is compressed with gzip.
    ending : str
        The last part of the file name in lower case, without ``.gz``.
    stamp : tuple of int
        Size in bytes, time of the last change in ns, number of the file on its disk.
    unpacked : int
        Bytes of the content.
    """

    path: Path
    name: str
    format: str
    packed: bool
    ending: str
    stamp: tuple[int, int, int]
    unpacked: int

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self.stamp[0]

    def open_bytes(self) -> BinaryIO:
        """Open the content, unpacked.

        Raises
        ------
        StorageError
            The file cannot be opened.
        DataError, LimitError
            While reading: packed bytes that are damaged, end early, or unpack to a suspicious size.
        """
        try:
            raw = self.path.open("rb")
        except OSError as error:
            raise cannot_open(self.name, error) from error
        return io.BufferedReader(_Unpacked(raw, self.name), 1 << 16) if self.packed else raw

    def open_text(self, encoding: str) -> TextIO:
        """Open the content as text whose line ends are left as they are; see `open_bytes`."""
        try:
            "".encode(encoding)
        except LookupError as error:
            what = f"'{shown(encoding)}' is not a text encoding that Python knows"
            hint = "Some that it knows: utf-8, latin-1, cp1252, utf-16."
            raise UsageError("OPTION-ENCODING", "--encoding", what, hint) from error
        return io.TextIOWrapper(self.open_bytes(), encoding=encoding, newline="")

    def bad_byte(self, encoding: str) -> DataError:
        """Return the error that names the first bytes that the encoding does not allow: line, and byte of the file."""
        hint = "Pass --encoding latin-1 or cp1252 (older Western files), or save the file as UTF-8."
        try:
            line, byte, value = self._first_undecodable(encoding)
        except UnicodeError:  # no byte is to blame: UTF-16 that does not begin with its mark
            return DataError("FILE-ENCODING", self.name, f"the file is not {encoding.upper()}", hint)
        what = f"byte {byte} of the file, 0x{value:02X}, is not {encoding.upper()}"
        return DataError("FILE-ENCODING", place(self.name, line=line), what, hint)

    def _first_undecodable(self, encoding: str) -> tuple[int, int, int]:
        """Return line, position in the file (from 1) and value of the first byte that the encoding does not allow."""
        decoder, line, done, last, block = codecs.getincrementaldecoder(encoding)(), 1, 0, "", b" "
        with self.open_bytes() as content:
            while block:
                block, state = content.read(1 << 16), decoder.getstate()
                try:
                    text = decoder.decode(block, final=not block)
                except UnicodeDecodeError as error:
                    start = error.start - (len(error.object) - len(block))  # the object has the bytes held back before
                    decoder.setstate(state)
                    before = decoder.decode(block[: max(start, 0)])
                    line += _line_ends(last + before) - _line_ends(last)
                    return line, done + start + 1, error.object[error.start]
                line, last = line + _line_ends(last + text) - _line_ends(last), (last + text)[-1:]
                done += len(block)
        raise UnicodeError(encoding)

    def check_unchanged(self) -> None:
        """Raise StorageError where the file is not the one that was opened any more."""
        try:
            now = _stamp(self.path.stat())
        except OSError as error:
            raise cannot_open(self.name, error) from error
        if now != self.stamp:
            what = f"the file changed while it was read ({self.size} bytes before, {now[0]} now)"
            raise StorageError("FILE-CHANGED", self.name, what, "Read it again when nothing writes to it.")


def examine(path: str | os.PathLike[str], *, any_ending: bool = False) -> Source:
    """Look at a file before it is read: it exists, is a file, and starts like a table.

    Parameters
    ----------
    path : path-like
        The file.
    any_ending : bool, default False
        Whether text under an unknown ending (``.log``) is read too.

    Raises
    ------
    UsageError
        A network address.
    StorageError
        No such file, a folder, a pipe, no permission.
    DataError
        An empty file, or one that is no table by its first bytes or its ending.
    """
    text = os.fspath(path)
    name = shown(text, 200)
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+://", text):
        raise UsageError("FILE-OPEN", name, "network addresses are not read", "Download the file first.")
    place_on_disk = Path(text)
    try:
        status = place_on_disk.stat()
        if not stat.S_ISREG(status.st_mode):
            raise StorageError("FILE-OPEN", name, f"is {_kind(status.st_mode)}, not a file")
        with place_on_disk.open("rb") as content:
            start = content.read(4096)
    except (OSError, ValueError) as error:
        if isinstance(error, StorageError):
            raise
        raise cannot_open(name, error) from error
    packed = start.startswith(b"\x1f\x8b")
    endings = [ending.lower() for ending in place_on_disk.suffixes[-2:]]
    if packed and endings[-1:] == [".gz"]:
        endings.pop()
    ending = endings[-1] if endings else ""
    source = Source(place_on_disk, name, "text", packed, ending, _stamp(status), status.st_size)
    if packed:  # all of it once, which costs little beside reading cells: damage and bombs show before memory is used
        with source.open_bytes() as content:
            start = content.read(4096)
            unpacked = len(start) + sum(map(len, iter(lambda: content.read(1 << 20), b"")))
        source = replace(source, unpacked=unpacked)
    _refuse_other_kinds(source, start, any_ending=any_ending)
    parquet = not packed and (start.startswith(b"PAR1\x15") or ending in PARQUET_ENDINGS)
    return replace(source, format="parquet") if parquet else source


def part_files(path: str | os.PathLike[str]) -> list[Path]:
    """Return the Parquet files of a folder by name; none for anything but a folder that holds some."""
    try:
        parts = [part for part in Path(path).iterdir() if part.suffix.lower() in PARQUET_ENDINGS]
    except (OSError, ValueError):
        return []
    return sorted(part for part in parts if not part.name.startswith((".", "_")))


def cannot_open(name: str, error: Exception) -> StorageError:
    """Return the answer to a file that the system does not give."""
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    hint = ""
    if isinstance(error, FileNotFoundError):
        reason, hint = "there is no such file", "Check the spelling and the folder the command runs in."
    elif isinstance(error, PermissionError):
        reason, hint = "no permission to read it", "Change its permissions, or copy it to a folder of yours."
    return StorageError("FILE-OPEN", name, shown(reason, 120), hint)


def free_memory() -> int:
    """Return the bytes of memory that are free on this machine; 4 GiB where the system does not tell."""
    try:
        found = re.search(r"^MemAvailable:\s*(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"), re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    except OSError:
        pass
    return 4 << 30


def _refuse_other_kinds(source: Source, start: bytes, *, any_ending: bool) -> None:
    """Raise DataError where the first bytes or the ending are not those of a table."""
    name, ending = source.name, source.ending
    if not start:
        raise DataError("FILE-EMPTY", name, "the file has no bytes")
    if start == codecs.BOM_UTF8:
        raise DataError("FILE-EMPTY", name, "the file has only a byte-order mark")
    zipped = start.startswith(b"PK\x03\x04")
    if ending in _SPREADSHEETS or start.startswith(_LEGACY_SPREADSHEET) or (zipped and b"xl/" in start):
        raise DataError("FILE-FORMAT", name, "is a spreadsheet, which is not read", "Export the sheet as CSV.")
    for magic, kind in _MAGIC.items():
        if start.startswith(magic) and (magic != b"PAR1\x15" or source.packed):
            raise DataError("FILE-NOT-TEXT", name, f"is not a text table: it starts like a {kind}")
    if start.startswith(b"PAR1\x15"):
        return
    beginning = start.removeprefix(codecs.BOM_UTF8).lstrip()[:64].lower()
    for mark, kind in _MARKUP.items():
        if beginning.startswith(mark):
            hint = "A failed download? Look at the file in an editor." if kind == "HTML" else "Export the data as CSV."
            raise DataError("FILE-NOT-TABLE", name, f"is not a table: it starts like {kind}", hint)
    if ending == ".gz":
        what = "is named .gz but is not compressed with gzip"
        raise DataError("FILE-FORMAT", name, what, "Remove .gz from its name.")
    if ending not in TEXT_ENDINGS.keys() | PARQUET_ENDINGS and not any_ending:
        what = f"'{shown(ending)}' is not the ending of a table that is read"
        hint = "Read are .csv, .tsv, .tab, .txt, .dat, .data, each also as .gz, and .parquet.\n"
        raise DataError("FILE-FORMAT", name, what, hint + "If it is a text table, pass --delimiter.")


def _refuse_other_encoding(source: Source, encoding: str) -> None:
    """Raise DataError where the file starts with the mark of another encoding than the one it is read with."""
    if codecs.lookup(encoding).name.startswith(("utf-16", "utf-32")):
        return
    with source.open_bytes() as content:
        start = content.read(4)
    for mark, found in _BOMS.items():
        if start.startswith(mark):
            what = f"{found} found, but the file is read as {encoding.upper()}"
            raise DataError("FILE-ENCODING", source.name, what, f"Pass --encoding {found.lower()}.")


def physical_lines(source: Source, encoding: str, longest: int) -> Generator[str]:
    """Yield the lines of a text file with their ends (LF, CRLF or CR); a byte-order mark is left out.

    Raises
    ------
    DataError
        Bytes outside the encoding, or a NUL: with the line.
    LimitError
        A line of more than `longest` characters.
    """
    with source.open_text(encoding) as text:
        _refuse_other_encoding(source, encoding)
        number = 0
        try:
            while line := text.readline(longest):
                number += 1
                if "\0" in line:
                    hint = "A binary or UTF-16 file? Look at the file, or pass --encoding."
                    raise DataError("FILE-NUL", place(source.name, line=number), "a NUL byte in the text", hint)
                if len(line) >= longest and line[-1] not in "\r\n":
                    what = f"the line is longer than {longest >> 20} MiB"
                    raise LimitError("FILE-LONG-LINE", place(source.name, line=number), what, "Is it a table?")
                yield line.removeprefix("\ufeff") if number == 1 else line
        except UnicodeError:  # also one without a position: UTF-16 that does not begin with its mark
            raise source.bad_byte(encoding) from None


class _Unpacked(io.RawIOBase):
    """The bytes inside a gzip file, with answers to damage and to a bomb."""

    def __init__(self, raw: BinaryIO, name: str) -> None:
        self._raw, self._name, self._unpacked = raw, name, 0
        self._gzip = gzip.GzipFile(fileobj=raw)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            count = self._gzip.readinto(buffer)
        except EOFError:
            what = "the compressed stream ends early"
            raise DataError("FILE-TRUNCATED", self._name, what, "Download or copy the file again.") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            what = f"the compressed stream is damaged ({error})"
            raise DataError("FILE-DAMAGED", self._name, what, "Download or copy the file again.") from None
        self._unpacked += count
        packed = max(1, self._raw.tell())
        if self._unpacked > max(_FREELY_UNPACKED, _MOST_UNPACKED * packed):
            what = f"{packed} bytes unpack to {self._unpacked >> 20} MiB or more, over {_MOST_UNPACKED} times as much"
            hint = "Data pack 3 to 20 times. If you trust the file, unpack it with gunzip and read the result."
            raise LimitError("FILE-TOO-LARGE", self._name, what, hint)
        return count

    def close(self) -> None:
        self._gzip.close()
        self._raw.close()
        super().close()


def _line_ends(text: str) -> int:
    """Return the number of line ends LF, CRLF and CR in the text."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device"}
    return kinds.get(stat.S_IFMT(mode), "something else")
