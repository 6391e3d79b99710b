"""A stranger's file, run as far as its functions and classes need it.

What trains, draws, downloads or asks is not run: statements at the top of a file are its author's experiment, and may
take hours. Imports, definitions and plain values are run; of the rest, what a definition needs, for a short while.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import linecache
import signal
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from typing import Any, NoReturn, final

from thalweg.check.child import selection
from thalweg.check.child.missing import MissingModule, MissingName, Postponed, postponed
from thalweg.check.written import Written

MODULE = "examined"
"""Name of the module, with which ``if __name__ == "__main__"`` does not hold."""
EACH, ALL = 2.0, 6.0
"""Seconds of processor time for one statement that may be slow, and for all of them."""
LOOP = "it is a loop outside of functions"
"""Why most loops are left out: they are what trains."""
QUICK = 10.0
"""The same for one that should not be: a library may import half of itself when its first object is made."""
WAITING = 5
"""Seconds on the clock for each of these: a statement may also sleep."""


@final
@dataclass(frozen=True)
class LeftOut:
    """A statement that was not run, or failed.

    Parameters
    ----------
    line : int
        Where it begins in the text.
    names : tuple of str
        What it would have made.
    why : str
        In a few words.
    """

    line: int
    names: tuple[str, ...]
    why: str


@final
@dataclass(frozen=True)
class Loaded:
    """What a file defined.

    Parameters
    ----------
    module : ModuleType
        Its namespace is that of the functions in it.
    left_out : tuple of LeftOut
        What was not run.
    missing : mapping of str
        Modules that were asked for and are not there, and why.
    """

    module: ModuleType
    left_out: tuple[LeftOut, ...]
    missing: Mapping[str, str]

    @property
    def own(self) -> dict[str, Any]:
        """What the file made: without modules, what is imported later, and Python's names.

        Of functions that a library compiles (``jax.jit``, ``numba.njit``), what was compiled: for a few steps on a few
        numbers that is quicker, and it can be read.
        """
        return {
            name: self._plain(value)
            for name, value in vars(self.module).items()
            if not name.startswith("__") and not isinstance(value, ModuleType | Postponed | MissingName)
        }

    def _plain(self, value: Any) -> Any:
        inner = getattr(value, "__wrapped__", None) if not isinstance(value, type) else None
        ours = isinstance(inner, FunctionType) and inner.__globals__ is vars(self.module)
        return inner if ours and not isinstance(value, FunctionType) else value

    def without(self, name: str) -> LeftOut | None:
        """Return the statement that would have made a name."""
        return next((part for part in self.left_out if name in part.names), None)


def load(written: Written, wanted: str | None = None) -> Loaded:
    r"""Run a file as far as its definitions need it.

    Parameters
    ----------
    written : Written
    wanted : str, optional
        A name that is asked for: what makes it is run.

    Returns
    -------
    Loaded

    Examples
    --------
    >>> found = load(Written("sgd.py", "lr = 0.1\ndef sgd(w, g): return w - lr * g\nw = train(10**9)\n"))
    >>> sorted(found.own), found.left_out[0].line
    (['lr', 'sgd'], 3)
    """
    filename = str(Path(written.path).absolute())
    module = ModuleType(MODULE)
    module.__file__ = filename
    # What inspect.getsource reads, also of a notebook; and what a class finds its file by.
    lines = [f"{line}\n" for line in written.text.split("\n")]
    linecache.cache[filename] = (len(written.text), None, lines, filename)
    sys.modules[MODULE] = module
    folder = str(Path(filename).parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loader = _Loader(ast.parse(written.text), filename, module, wanted)
        loader.run()
    for name in [name for name, found in sys.modules.items() if isinstance(found, MissingModule)]:
        del sys.modules[name]  # or others would take a library for loaded that is not there
    return Loaded(module, tuple(loader.left_out), dict(loader.missing))


@final
class _Loader:
    """One file on its way into a module."""

    def __init__(self, tree: ast.Module, filename: str, module: ModuleType, wanted: str | None) -> None:
        self.tree, self.filename, self.module, self.wanted = tree, filename, module, wanted
        self.scope = vars(module)
        self.left_out: list[LeftOut] = []
        self.missing: dict[str, str] = {}
        self._spent = 0.0
        self._factories = selection.factories(tree)
        self._functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)} - self._factories
        self._needed = selection.needed(tree, wanted)

    def run(self) -> None:
        """Run the file from top to bottom."""
        self._run(self.tree.body)

    def _run(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            self._take(statement)

    def _take(self, statement: ast.stmt) -> None:
        """Run a statement of the file's top, or leave it out."""
        match statement:
            case ast.Expr(ast.Constant()) | ast.Pass():
                pass
            case ast.Import() | ast.ImportFrom():
                for part in _single(statement):
                    self._import(part)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self._attempt(statement)
            case ast.If() if selection.is_main(statement.test):
                self._leave_out(statement, "it is run only as a program")
                self._run(statement.orelse)
            case ast.Try() if any(isinstance(part, selection.Import) for part in statement.body):
                self._import_or_else(statement)
            case ast.If() | ast.Try() | ast.With() if selection.holds_definitions(statement):
                self._run(self._branch(statement))
            case ast.While():
                self._leave_out(statement, LOOP)
            case ast.Delete() | ast.Assert() | ast.Return() | ast.Raise():
                self._leave_out(statement, "it defines nothing")
            case _:
                self._value(statement)

    def _branch(self, statement: selection.Block) -> list[ast.stmt]:
        """Return the statements that a block would run."""
        if not isinstance(statement, ast.If):
            return statement.body
        try:
            test = compile(ast.Expression(statement.test), self.filename, "eval")
            holds = bool(eval(test, self.scope))  # noqa: S307 - in the child, which is there for that
        except Exception:  # noqa: BLE001 - it asks for what was not run
            holds = True
        return statement.body if holds else statement.orelse

    def _value(self, statement: ast.stmt) -> None:
        """Run a statement that makes values if it is quick, or needed."""
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Lambda):
            self._attempt(statement)
            return
        called = set(selection.calls(statement))
        names = {name for _, name in called}
        refused = names & selection.REFUSED or {root for root, name in called if self._waits(root, name)}
        if refused:
            self._leave_out(statement, f"it calls {min(refused)}")
        elif isinstance(statement, ast.Expr):
            if names and names <= selection.SETTINGS | selection.MAKERS:
                self._attempt(statement, seconds=QUICK)
            else:
                self._leave_out(statement, "it defines nothing")
        elif isinstance(statement, ast.For) and (
            names & self._functions or not selection.made(statement) & self._needed
        ):
            self._leave_out(statement, LOOP)
        elif selection.makes_at_once(statement, self._factories):
            self._attempt(statement, seconds=QUICK)
        elif not selection.made(statement) & self._needed:
            self._leave_out(statement, "no definition needs it")
        else:
            self._attempt(statement, seconds=EACH)

    def _waits(self, root: str, name: str) -> bool:
        """Whether a call would import a package for pictures or data; optimizers among them are let through."""
        return isinstance(self.scope.get(root), Postponed) and not name.startswith(("SGD", "MLP"))

    def _attempt(self, statement: ast.stmt, seconds: float | None = None) -> None:
        """Run a statement; where it fails or is slow, nothing but its own names is lost."""
        before = time.process_time()
        allowed = None if seconds is None else max(min(seconds, ALL - self._spent), 0.1) if seconds == EACH else seconds
        try:
            with _no_longer_than(allowed):
                self._execute(statement)
        except _TooSlowError:
            self._leave_out(statement, f"it takes more than {allowed:.2g} s")
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever strangers raise
            self._leave_out(statement, _failure(error))
        if seconds == EACH:
            self._spent += time.process_time() - before

    def _execute(self, statement: ast.stmt) -> None:
        code = compile(ast.Module([statement], []), self.filename, "exec")
        exec(code, self.scope)  # noqa: S102 - in the child, which is there for that

    def _leave_out(self, statement: ast.stmt, why: str) -> None:
        self.left_out.append(LeftOut(statement.lineno, tuple(sorted(selection.made(statement))), why))

    # Imports

    def _import_or_else(self, statement: ast.Try) -> None:
        """Run ``try: import ... except ImportError: ...`` as it stands, and with stand-ins only where nothing helps."""
        try:
            self._execute(statement)
        except (Exception, SystemExit):  # noqa: BLE001 - whatever strangers raise
            self._run(statement.body)

    def _import(self, statement: ast.Import | ast.ImportFrom) -> None:
        """Import a module, or a name out of one; later or not at all where that is better."""
        (alias,) = statement.names
        module = alias.name if isinstance(statement, ast.Import) else statement.module or ""
        package = module.partition(".")[0]
        if postponed(module) and alias.name != "*" and importlib.util.find_spec(package) is not None:
            if isinstance(statement, ast.ImportFrom):
                self.scope[alias.asname or alias.name] = Postponed(module, alias.name)
            else:
                self.scope[alias.asname or package] = Postponed(module if alias.asname else package)
            return
        for _ in range(20):  # one after the other of the packages that a dotted name goes through
            try:
                self._execute(statement)
            except ModuleNotFoundError as error:
                if error.name and (error.name.partition(".")[0] == package or self._is_beside(package)):
                    self._absent(error.name)
                else:  # a library that needs another one, which is not there
                    self._stand_in(module, f"{module} cannot be imported: {_one_line(error)}")
            except ImportError as error:
                why = self.missing[f"{module}.{alias.name}"] = _one_line(error)
                setattr(sys.modules[module], alias.name, MissingName(f"{module}.{alias.name}", why))
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a module of the author's own that fails
                self._stand_in(module, f"{module} cannot be imported: {_failure(error)}")
            else:
                return

    def _is_beside(self, package: str) -> bool:
        """Whether a module is a file in the folder of the one that is loaded."""
        found = importlib.util.find_spec(package)
        return bool(found and found.origin and found.origin.startswith(str(Path(self.filename).parent)))

    def _absent(self, name: str) -> None:
        """Put a stand-in for a module that is not there; of a package that is not, its name is told once."""
        package = name.partition(".")[0]
        if package in self.missing:
            sys.modules[name] = MissingModule(name, self.missing[package])
        else:
            self._stand_in(name, f"{name} is not installed here")

    def _stand_in(self, name: str, why: str) -> None:
        """Put a stand-in where a module cannot be imported."""
        self.missing[name] = why
        sys.modules[name] = MissingModule(name, why)
        above, _, last = name.rpartition(".")
        if above in sys.modules:
            setattr(sys.modules[above], last, sys.modules[name])


def _single(statement: ast.Import | ast.ImportFrom) -> Iterator[ast.Import | ast.ImportFrom]:
    """Return a statement for each name that is imported."""
    for alias in statement.names:
        part = (
            ast.Import([alias])
            if isinstance(statement, ast.Import)
            else ast.ImportFrom(statement.module, [alias], statement.level)
        )
        yield ast.copy_location(part, statement)


def _failure(error: BaseException) -> str:
    return f"it fails with {type(error).__name__}: {_one_line(error)}"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120]


class _TooSlowError(BaseException):
    """Goes through the ``except Exception`` of strangers."""


@contextlib.contextmanager
def _no_longer_than(seconds: float | None) -> Iterator[None]:
    """Stop a statement after some seconds of processor time, or many more on the clock, where the system can."""
    if seconds is None or sys.platform == "win32":
        yield
        return

    def stop(_: int, __: FrameType | None) -> NoReturn:
        raise _TooSlowError

    timers = {signal.SIGPROF: (signal.ITIMER_PROF, seconds), signal.SIGALRM: (signal.ITIMER_REAL, WAITING * seconds)}
    before = {number: signal.signal(number, stop) for number in timers}
    try:
        for timer, length in timers.values():
            signal.setitimer(timer, length)
        yield
    finally:
        for timer, _ in timers.values():
            signal.setitimer(timer, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
