"""The process that examines: reads one question, gives up what it must not have, runs the file, answers."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, final

from thalweg.check.child.confinement import confine, with_room
from thalweg.check.child.messages import Answer, Limits, Question, framed

if TYPE_CHECKING:
    from thalweg.check.written import Written

Keep = Callable[[Mapping[str, Any]], None]
_TICK = 0.1  # seconds between two looks at what is running
_HELD_UP = 0.5  # seconds; what lies between two looks beyond that was no waiting: the machine had other things to do
_KEPT = 2000  # characters of what is printed


@final
class _Printed(io.TextIOBase):
    """Keeps the beginning of what is printed."""

    def __init__(self) -> None:
        self.text = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if len(self.text) < _KEPT:
            self.text += text[: _KEPT - len(self.text)]
        return len(text)


@final
class _Examiner:
    """Holds the way to answer, which is used once."""

    def __init__(self, output: int, token: str, question: Question, limits: Limits) -> None:
        self.output, self.token, self.question, self.limits = output, token, question, limits
        self.filename = str(Path(question.path).absolute())
        self.writing = threading.Lock()
        self.printed = _Printed()
        self.written: Written | None = None

    def answer(self, **parts: Any) -> NoReturn:
        """Answer and leave at once: threads and exit handlers of strangers do not keep us."""
        with_room()
        text = Answer(printed=self.printed.text, seconds=round(time.process_time(), 3), **parts)
        self.write(framed(self.token, text))
        os._exit(0)

    def keep(self, diagnosis: Mapping[str, Any]) -> None:
        """Hand over a diagnosis before the next is made, which may be the end of us."""
        self.write(framed(self.token, diagnosis))

    def write(self, data: bytes) -> None:
        """Write a message in one piece."""
        with self.writing:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self.output, rest) :]

    def watch(self) -> None:
        """Answer from beside when the file takes too long; nothing that it does to signals and exceptions is heard."""
        limits, main = self.limits, threading.main_thread().ident or 0
        busy = waited = 0.0
        clock, processor = time.monotonic(), time.process_time()
        while True:
            time.sleep(_TICK)
            with contextlib.suppress(MemoryError):  # tried again at the next tick
                now, spent = time.monotonic(), time.process_time()
                line = self._line(sys._current_frames().get(main))
                if line is not None:
                    busy += spent - processor
                    waited += min(now - clock, _HELD_UP)
                clock, processor = now, spent
                if busy > limits.seconds or waited > limits.waiting:
                    what = f"did not end within its time limit of {limits.seconds:g} s"
                    self.answer(reason=what, where=self._where(line), stop="time")
                if spent > limits.examination:
                    what = f"was not examined to the end within {limits.examination:g} s"
                    self.answer(reason=what, where=self._where(None), stop="time")

    def _line(self, frame: FrameType | None) -> int | None:
        """Return the innermost line of the file that is running."""
        while frame is not None and frame.f_code.co_filename != self.filename:
            frame = frame.f_back
        return None if frame is None else frame.f_lineno

    def _where(self, line: int | None) -> str:
        return Path(self.question.path).name if self.written is None else self.written.where(line)

    def run(self) -> NoReturn:
        """Examine the file and answer."""
        from thalweg.check.files import read
        from thalweg.check.written import NotCodeError

        try:
            self.written = read(self.question.path)
            self.answer(**_TASKS[self.question.task](self.question, self.written, self.keep))
        except NotCodeError as error:
            self.answer(reason=error.what, where=error.where, stop="file")
        except OSError as error:
            self.answer(reason=f"cannot be read: {error.strerror or error}", where=self._where(None), stop="file")
        except MemoryError as error:
            what = f"needs more memory than the {self.limits.memory / 2**30:g} GiB it may have"
            self.answer(reason=what, where=self._where(self._last_line(error)), stop="memory")
        except SystemExit as error:
            what = f"leaves Python (exit status {error.code})"
            self.answer(reason=what, where=self._where(self._last_line(error)), stop="code")
        except Exception as error:  # noqa: BLE001 - ours, then: strangers' are answered where they arise
            what = f"cannot be examined, by a mistake in thalweg: {type(error).__name__}: {error}"
            self.answer(reason=what, where=self._where(self._last_line(error)), stop="crash")

    def _last_line(self, error: BaseException) -> int | None:
        trace, line = error.__traceback__, None
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self.filename:
                line = trace.tb_lineno
            trace = trace.tb_next
        return line


def _optimizers(question: Question, written: Written, keep: Keep) -> dict[str, Any]:
    """Examine the update rules of a file."""
    from thalweg.check.child.optimizers import examined

    return examined(question, written, keep)


def _gradients(question: Question, written: Written, keep: Keep) -> dict[str, Any]:
    """Examine the gradients of a file."""
    from thalweg.check.child.gradients import examined

    return examined(question, written, keep)


_TASKS: dict[str, Callable[[Question, Written, Keep], dict[str, Any]]] = {
    "optimizer": _optimizers,
    "gradient": _gradients,
}


def main() -> NoReturn:
    """Read a question from standard input, answer on standard output."""
    told = json.loads(sys.stdin.buffer.read())
    question, limits = Question(**told["question"]), Limits(**told["limits"])
    output, nowhere = os.dup(1), os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)
    confine(str(Path.cwd()), limits.memory, limits.examination + 10)
    examiner = _Examiner(output, told["token"], question, limits)
    sys.stdout = sys.stderr = examiner.printed
    threading.Thread(target=examiner.watch, daemon=True, name="watch").start()
    examiner.run()


if __name__ == "__main__":
    main()
