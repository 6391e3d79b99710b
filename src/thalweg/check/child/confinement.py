"""What a process gives up before it runs a stranger's code.

Three walls, each where the system has it. The kernel's: a network of its own with nothing in it (Linux namespaces), no
file that can be written or made outside one folder (Landlock), limits on memory, processor time and files (POSIX).
Python's, on every system: an audit hook, which answers what is refused with an error that the code can see. The third
is the parent, which ends the whole process group.

They hold off accidents, and what a student would try. Code that is written to break out of Python and the kernel is not
what they are for: mark such work on a machine of its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import sys
from pathlib import Path
from typing import Any

_NETWORK = frozenset(
    f"socket.{name}"
    for name in ("connect", "bind", "sendto", "sendmsg", "getaddrinfo", "gethostbyname", "gethostbyaddr", "getnameinfo")
)
_PROGRAMS = frozenset(
    ("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile", "os.system", "os.kill",
     "os.killpg", "pty.spawn", "subprocess.Popen", "webbrowser.open")
)  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_NOWHERE = frozenset((os.devnull, "/dev/stdout", "/dev/stderr", "/dev/tty"))
_FILE_BYTES = 64 << 20
_FILES = 256
_SPARE = {"AS": 64 << 20, "CPU": 1}  # kept back: for the answer, and between the signal and the end


class Refused(PermissionError):  # noqa: N818 - what the author of the code reads
    """What strangers' code may not do."""


def confine(folder: str, memory: int, seconds: float) -> None:
    """Give up all that strangers' code must not have. It cannot be had back.

    Parameters
    ----------
    folder : str
        Where it may write.
    memory : int
        Bytes of address space.
    seconds : float
        Of processor time, after which the kernel ends the process.
    """
    _limit(memory, seconds)
    if sys.platform == "linux":
        _die_with_parent()
        _leave_network()
        _write_only_in(folder)
    sys.addaudithook(_watch(os.path.realpath(folder)))


def with_room() -> None:
    """Take the memory that was kept back, for an answer after the rest is used up."""
    if sys.platform == "win32":
        return
    import resource

    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _limit(memory: int, seconds: float) -> None:
    """Lower the limits that the system knows."""
    if sys.platform == "win32":
        return
    import resource

    limits = {"AS": memory, "CPU": int(seconds) + 1, "FSIZE": _FILE_BYTES, "CORE": 0, "NOFILE": _FILES}
    for name, value in limits.items():
        number = getattr(resource, f"RLIMIT_{name}", None)
        if number is None:
            continue
        hard = resource.getrlimit(number)[1]
        lower = value if hard == resource.RLIM_INFINITY else min(value, hard)
        spare = _SPARE.get(name, 0) if hard == resource.RLIM_INFINITY else 0
        with contextlib.suppress(OSError, ValueError):  # macOS knows some limits that cannot be set
            resource.setrlimit(number, (lower, lower + spare))


# Linux

_SYSCALL_LANDLOCK = 444  # create_ruleset, add_rule and restrict_self; the same numbers on all machines
_CLONE_NEWNET, _CLONE_NEWUSER = 0x40000000, 0x10000000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_WRITE_FILE, _READ_RIGHTS, _TRUNCATE = 1 << 1, (1 << 0) | (1 << 2) | (1 << 3), 1 << 14


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    """Let the kernel end this process when the one that watches it is gone."""
    _libc().prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0)


def _leave_network() -> None:
    """Move into a network that has nothing in it, where the system allows that to this user."""
    libc = _libc()
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_CLONE_NEWNET) == 0 or libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with contextlib.suppress(OSError):
            Path(f"/proc/self/{name}").write_text(text, encoding="ascii")


def _write_only_in(folder: str) -> None:
    """Have the kernel refuse every write and every new file outside a folder; kernels before 5.13 cannot."""
    libc = _libc()
    version = libc.syscall(_SYSCALL_LANDLOCK, None, 0, 1)
    if version < 1:
        return
    known = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    handled = known & ~_READ_RIGHTS
    # What else is refused wherever the kernel knows it: TCP's bind and connect; sockets and signals to other processes.
    further = [3] * (version >= 4) + [3] * (version >= 6)
    attributes = struct.pack(f"{1 + len(further)}Q", handled, *further)
    rules = libc.syscall(_SYSCALL_LANDLOCK, attributes, len(attributes), 0)
    if rules < 0:
        return
    beneath = {folder: handled, os.devnull: handled & (_WRITE_FILE | _TRUNCATE)}
    for path, rights in beneath.items():
        place = os.open(path, getattr(os, "O_PATH", 0) | os.O_CLOEXEC)
        libc.syscall(_SYSCALL_LANDLOCK + 1, rules, 1, struct.pack("=Qi", rights, place), 0)
        os.close(place)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.syscall(_SYSCALL_LANDLOCK + 2, rules, 0)
    os.close(rules)


# Python

# Of what changes folders: where among the event's arguments the paths stand, and the open folders they start from.
_PATHS = {
    "os.chflags": ((0, None),), "os.chmod": ((0, 2),), "os.chown": ((0, 3),), "os.link": ((0, 2), (1, 3)),
    "os.mkdir": ((0, 2),), "os.remove": ((0, 1),), "os.removexattr": ((0, None),), "os.rename": ((0, 2), (1, 3)),
    "os.rmdir": ((0, 1),), "os.setxattr": ((0, None),), "os.symlink": ((1, 2),), "os.truncate": ((0, None),),
    "os.utime": ((0, 3),),
}  # fmt: skip


def _watch(folder: str) -> Any:
    """Return the audit hook."""
    inside = folder + os.sep

    def is_ours(path: Any, start: int = -1) -> bool:
        if isinstance(path, int):
            return True  # a file that is open already
        text = os.fsdecode(path)
        if start >= 0:
            place = f"/proc/self/fd/{start}"
            if not os.path.islink(place):  # noqa: PTH114 - in a hook, plain functions
                return False
            text = os.path.join(os.readlink(place), text)  # noqa: PTH115, PTH118 - the same
        text = os.path.realpath(text)
        return text == folder or text.startswith(inside) or text in _NOWHERE

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = given
            writes = any(sign in mode for sign in "wax+") if isinstance(mode, str) else bool((flags or 0) & _WRITING)
            if writes and not is_ours(path):
                name = os.path.basename(os.fsdecode(path))  # noqa: PTH119 - the same
                raise Refused(f"writing the file {name!r} is refused here")
        elif event in _NETWORK:
            raise Refused("the network is refused here")
        elif event in _PROGRAMS:
            raise Refused(f"{event} is refused here")
        elif event in _PATHS:
            for path, start in _PATHS[event]:
                if not is_ours(given[path], -1 if start is None else given[start]):
                    raise Refused(f"{event} is refused here")
        elif event == "sqlite3.connect" and given[0] != ":memory:" and not is_ours(given[0]):
            raise Refused("writing a database is refused here")

    return hook
