"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import re
import resource
import shutil
import subprocess
import time
from importlib import metadata
from pathlib import Path

LIBRARIES = (
    "thalweg",
    "numpy",
    "scipy",
    "numba",
    "llvmlite",
    "scikit-learn",
    "jax",
    "jaxlib",
    "optax",
    "torch",
    "optuna",
    "vowpalwabbit",
    "river",
)


def _proc(file: str, pattern: str) -> str:
    path = Path("/proc") / file
    found = re.search(pattern, path.read_text(), re.MULTILINE) if path.exists() else None
    return found.group(1).strip() if found else "unknown"


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "not installed"


def _compiler() -> str:
    path = shutil.which("g++")
    if path is None:
        return "not installed"
    return subprocess.run([path, "-dumpfullversion"], check=True, capture_output=True, text=True).stdout.strip()


def _blas() -> str:
    import numpy  # noqa: F401, ICN001  (loads the library that is then described)
    from threadpoolctl import threadpool_info

    found = [f"{i['internal_api']} {i['version']} ({i['architecture']} kernels)" for i in threadpool_info()]
    return ", ".join(found) or "unknown"


def describe() -> dict[str, str]:
    """Machine, system, compilers and the version of every library that takes part."""
    memory = _proc("meminfo", r"^MemTotal:\s+(\d+) kB")
    facts = {
        "processor": _proc("cpuinfo", r"^model name\s*:\s*(.+)$")
        + f", family {_proc('cpuinfo', r'^cpu family.*: (.+)$')}",
        "processors": str(len(os.sched_getaffinity(0))),
        "memory": f"{int(memory) / 2**20:.0f} GiB" if memory.isdigit() else memory,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "g++": _compiler(),
        "BLAS of NumPy": _blas(),
    }
    return facts | {library: _version(library) for library in LIBRARIES}


def busy_seconds() -> float:
    """Processor seconds spent by everyone on this machine since it started (0.0 where the system does not say)."""
    path = Path("/proc/stat")
    if not path.exists():
        return 0.0
    user, nice, system, _idle, _wait, irq, softirq, steal = map(int, path.read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def processor_seconds() -> float:
    """Processor seconds of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
