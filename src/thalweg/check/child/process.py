"""The process in which strangers' code runs, seen from outside: started, watched, ended."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, final

from thalweg.check.child.messages import Answer, Limits, Question, unframed

_LARGEST = 64 << 20  # bytes of an answer
_LEAVING = 60.0  # seconds from the end of its output to its own, on a machine that has much else to do
# What the code may know of the environment: where Python and its libraries are, no keys.
_PASSED = frozenset(
    "CONDA_PREFIX HOME KERAS_BACKEND LANG LC_ALL LC_CTYPE LD_LIBRARY_PATH PATH PYTHONHOME PYTHONPATH SYSTEMROOT "
    "USERPROFILE VIRTUAL_ENV".split()
)
_SET = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"),
    "CUDA_VISIBLE_DEVICES": "",
    "JAX_PLATFORMS": "cpu",
    "MPLBACKEND": "Agg",
    "NUMBA_DISABLE_JIT": "1",  # twenty-four steps are not worth a compiler
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


@final
class Examination:
    """One file on its way through a process of its own. The process starts at once; :meth:`answer` waits for it.

    Parameters
    ----------
    question : Question
    limits : Limits
    """

    def __init__(self, question: Question, limits: Limits) -> None:
        self.question, self.limits = question, limits
        self._reader: threading.Thread | None = None
        self._over = False
        self._ending = threading.Lock()
        self._token = secrets.token_hex(16)
        self._folder = tempfile.TemporaryDirectory(prefix="thalweg-", ignore_cleanup_errors=True)
        told = {
            "question": {**asdict(question), "path": str(Path(question.path).absolute())},
            "limits": asdict(limits),
            "token": self._token,
        }
        environment = {name: value for name, value in os.environ.items() if name in _PASSED}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-B", "-m", "thalweg.check.child.main"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder.name,
            env={**environment, **_SET, "TMPDIR": self._folder.name, "MPLCONFIGDIR": self._folder.name},
            start_new_session=True,
        )
        with contextlib.suppress(BrokenPipeError):
            self._pipe(self._process.stdin).write(json.dumps(told).encode())
        with contextlib.suppress(BrokenPipeError):
            self._pipe(self._process.stdin).close()

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None  # noqa: S101 - asked for above
        return pipe

    def answer(self) -> Answer:
        """Wait for the answer, and end the process however it comes."""
        try:
            data = self._output()
        finally:
            self.end()
        diagnoses, found = unframed(self._token, data)
        return found or replace(self._none(self._process.returncode), diagnoses=diagnoses)

    def end(self) -> None:
        """End the process and all that it started; a second time does nothing."""
        with self._ending:
            if self._process.returncode is None:  # its number is still its own: nobody has waited for it
                with contextlib.suppress(OSError):
                    if sys.platform == "win32":
                        self._process.kill()
                    else:
                        os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            if self._reader is not None:
                self._reader.join()
            self._pipe(self._process.stdout).close()
            self._folder.cleanup()

    def _output(self) -> bytes:
        """Return what the process says until it is done, its time is over, or it says too much."""
        pieces: list[bytes] = []
        self._reader = threading.Thread(target=self._read, args=(pieces,), daemon=True, name="reader")
        self._reader.start()
        heard = -1
        while self._reader.is_alive() and heard != len(pieces):
            heard = len(pieces)
            self._reader.join(self.limits.patience)
        self._over = self._reader.is_alive()
        if not self._over:
            self._let_it_leave()
        return b"".join(pieces)

    def _let_it_leave(self) -> None:
        """Wait for a process that has closed its output, without taking its number from it: its group is still ours."""
        if sys.platform == "win32":
            return
        until = time.monotonic() + _LEAVING
        while time.monotonic() < until:
            try:
                if os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None:
                    return
            except ChildProcessError:  # somebody else has ended the examination
                return
            time.sleep(0.01)

    def _read(self, pieces: list[bytes]) -> None:
        output = self._pipe(self._process.stdout)
        count = 0
        with contextlib.suppress(OSError, ValueError):
            while count < _LARGEST and (piece := os.read(output.fileno(), 1 << 16)):
                pieces.append(piece)
                count += len(piece)

    def _none(self, status: int) -> Answer:
        """Say why there is no answer."""
        where = Path(self.question.path).name
        if self._over:
            return Answer(reason=f"gave no sign of life for {self.limits.patience:g} s", where=where, stop="time")
        if sys.platform != "win32" and status in (-signal.SIGXCPU, -signal.SIGKILL):
            what = f"was still running after {self.limits.examination:g} s, or took all memory"
            return Answer(reason=what, where=where, stop="time")
        if status < 0:
            with contextlib.suppress(ValueError):
                return Answer(reason=f"crashed ({signal.Signals(-status).name})", where=where, stop="crash")
        what = f"left the process with status {status} before it could be examined"
        return Answer(reason=what, where=where, stop="crash")
