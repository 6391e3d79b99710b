"""Hand-written C++, compiled when the benchmark runs and called through ctypes."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

FLAGS = ("-O3", "-march=native", "-std=c++17")
SOURCE = Path(__file__).with_name("adam.cpp")


def library(*more_flags: str) -> ctypes.CDLL:
    """Compile ``adam.cpp`` for this machine and load it.

    Raises
    ------
    ImportError
        When there is no ``g++``; the side is then shown as not installed.
    """
    compiler = shutil.which("g++")
    if compiler is None:
        raise ImportError("g++")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "adam.so"
        command = [compiler, *FLAGS, *more_flags, "-shared", "-fPIC", str(SOURCE), "-o", str(target)]
        subprocess.run(command, check=True, capture_output=True)
        return ctypes.CDLL(str(target))  # stays mapped after the file is gone
