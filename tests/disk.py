"""What a disk may hold after a loss of power: each write since the last call that waited for it is there or not.

strace notes what a program writes, and when it asks for it to be on the disk. From that the states are made that a disk
may be in after any moment: each later write to a file is there or not, in sectors, and so is each new, changed or
removed name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

SECTOR = 512
#: The calls that :func:`follow` looks for, as strace takes them: with ``-y -xx -s 10000000``.
TRACED = "trace=openat,write,pwrite64,fsync,fdatasync,ftruncate,fallocate,unlink,rename"


@dataclass
class Inode:
    """A file: what is on the disk, and what has been asked for since: (offset, bytes), or a new size."""

    content: bytearray = field(default_factory=bytearray)
    asked: list[tuple[int, bytes] | int] = field(default_factory=list)
    end: int = 0  # of what was written one after the other

    def write(self, change: tuple[int, bytes] | int) -> None:
        if isinstance(change, int):
            del self.content[change:]
            self.content.extend(bytes(change - len(self.content)))
            return
        offset, data = change
        self.content.extend(bytes(max(0, offset + len(data) - len(self.content))))
        self.content[offset : offset + len(data)] = data

    def after(self, chance: np.random.Generator) -> bytes:
        """Return what may be there after a loss of power."""
        left = Inode(bytearray(self.content))
        keep = chance.choice([0.0, 0.5, 0.9, 1.0])
        for change in self.asked:
            if isinstance(change, int) or chance.random() < 0.7:
                if chance.random() < keep:
                    left.write(change)
                continue
            offset, data = change
            for first in range(0, len(data), SECTOR):
                if chance.random() < keep:
                    left.write((offset + first, data[first : first + SECTOR]))
        return bytes(left.content)


class Disk:
    """A folder: names that are sure, names that have changed since, and the files themselves."""

    def __init__(self) -> None:
        self.sure: dict[str, Inode] = {}
        self.names: dict[str, Inode] = {}
        self.changes: list[dict[str, Inode | None]] = []
        self.acknowledged = 0

    def apply(self, call: str, name: str, rest: str) -> None:
        """Follow a call to the system."""
        if name.endswith(".said"):
            self.acknowledged += call == "write"
        elif name.endswith("-shm"):
            pass  # never read after a restart: it is memory
        elif call == "openat":
            if name not in self.names and "O_CREAT" in rest:
                self.change({name: Inode()})
        elif call == "unlink":
            self.change({name: None})
        elif call == "rename":
            self.change({name: None, rest: self.names[name]})
        elif call in ("fsync", "fdatasync"):
            if not name:  # the folder
                self.sure, self.changes = dict(self.names), []
                return
            inode = self.names[name]
            for change in inode.asked:
                inode.write(change)
            inode.asked.clear()
        elif call == "ftruncate":
            self.names[name].asked.append(int(re.search(r", (\d+)\)", rest)[1]))
        else:
            assert call in ("write", "pwrite64"), call
            data, size, offset = re.search(r'"([^"]*)", (\d+)(?:, (\d+))?\)', rest).groups()
            content, inode = bytes.fromhex(data.replace(r"\x", "")), self.names[name]
            assert len(content) == int(size)
            inode.asked.append((inode.end if offset is None else int(offset), content))
            inode.end += len(content) * (offset is None)

    def change(self, names: dict[str, Inode | None]) -> None:
        """Change names in one step."""
        self.changes.append(names)
        for name, inode in names.items():
            if inode is None:
                del self.names[name]
            else:
                self.names[name] = inode

    def after(self, chance: np.random.Generator) -> dict[str, bytes]:
        """Return the files that may be there after a loss of power."""
        names = dict(self.sure)
        keep = chance.choice([0.0, 0.5, 1.0])
        for change in self.changes:
            if chance.random() < keep:
                for name, inode in change.items():
                    if inode is None:
                        names.pop(name, None)
                    else:
                        names[name] = inode
        return {name: inode.after(chance) for name, inode in names.items()}


def follow(trace: str, folder: Path) -> list[tuple[str, str, str]]:
    """Return the calls of a trace: call, name within the folder, the rest of the line or the new name."""
    found = []
    for line in trace.splitlines():
        call, rest = re.fullmatch(r"\d+ +(\w+)\((.*)", line).groups()
        if " = -1 E" in rest:
            continue
        by_name = call in ("openat", "unlink", "rename")
        places = re.findall(r'"([^"]*)"', rest) if by_name else [re.search(r"\d+<([^>]*)>", rest)[1]]
        names = [
            bytes.fromhex(place.replace(r"\x", "")).decode().removeprefix(str(folder)).lstrip("/") for place in places
        ]
        found.append((call, names[0], names[1] if call == "rename" else rest))
    return found
