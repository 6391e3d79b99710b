"""The diagnosis of the gradients of a file: which they are, whether they are right, and which lines to look at."""

from __future__ import annotations

import ast
import inspect
import math
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from typing import Any, Literal, final

import numpy as np

from thalweg.check.blocks import Blocks
from thalweg.check.gradient_verdict import GradientVerdict
from thalweg.check.gradients import examined
from thalweg.check.mending.backward import SECONDS, backward_mends
from thalweg.check.mending.mend import Mend
from thalweg.check.mending.rebuilding import executed
from thalweg.check.subjects.gradients.binding import UnboundError
from thalweg.check.subjects.gradients.finding import find_gradients, remember
from thalweg.check.subjects.gradients.lines import suspects
from thalweg.check.subjects.gradients.reading import Given, GradientSubject, NoKnownLossError, NotThisWayError, Reading
from thalweg.check.subjects.subject import CannotRun, Source
from thalweg.errors import ThalwegError

Judged = tuple[Reading, GradientVerdict]
Kind = Literal["right", "wrong", "unclear", "cannot_run"]

MOST = 12  # readings of a tier that are examined
GLANCE = 1e-5  # step of a first look
VAGUE = ("factor", "shape")  # causes that say no more than that the numbers differ
BEST = 2  # of which so many are asked for their causes
ALL = 8.0  # seconds of processor time for the mends of a file: what its lines take counts against its limit
TRIED = 1500  # readings that are called once


@final
@dataclass(frozen=True)
class Line:
    """A line of the file: where, for the reader, its text, and its number in the text that was examined."""

    where: str
    text: str
    line: int


@final
@dataclass(frozen=True)
class GradientDiagnosis:
    """What the doctor says of one gradient of a file.

    Parameters
    ----------
    name : str
        The function or class with the gradient.
    of : str
        What it should be the slope of; empty where the file has nothing of the kind.
    kind : {"right", "wrong", "unclear", "cannot_run"}
        ``unclear``: the reader is asked.
    verdict : GradientVerdict or None
        The evidence; None where nothing could be run.
    given : tuple of Given
        At which point, with which data.
    form : str
        What has to be said of how the gradient was read, see :class:`Reading`.
    told : str
        What belongs to the form.
    lines : tuple of Line
        Where to look.
    mends : tuple of Mend
        With which it is right: proven changes of lines.
    reason : str
        Why it cannot be run, as Python says it.
    choices : tuple of str
        Functions among which the cost could not be told.
    source : Source or None
        The text of the file.
    """

    name: str
    of: str
    kind: Kind
    verdict: GradientVerdict | None = None
    given: tuple[Given, ...] = ()
    form: str = ""
    told: str = ""
    lines: tuple[Line, ...] = ()
    reason: str = ""
    choices: tuple[str, ...] = field(default=())
    mends: tuple[Mend, ...] = field(default=())
    source: Source | None = field(default=None, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        data: dict[str, Any] = asdict(replace(self, verdict=None, source=None))
        data["source"] = self.source.as_dict() if self.source else None
        data["verdict"] = self.verdict.as_dict() if self.verdict else None
        return data

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> GradientDiagnosis:
        """Return what :meth:`as_dict` was made of."""
        given = tuple(Given(g["name"], tuple(g["shape"]), g["origin"]) for g in data["given"])
        verdict = GradientVerdict.from_dict(data["verdict"]) if data["verdict"] else None
        lines = tuple(Line(**line) for line in data["lines"])
        return GradientDiagnosis(
            **{k: data[k] for k in ("name", "of", "kind", "form", "told", "reason")},
            verdict=verdict, given=given, lines=lines, choices=tuple(data["choices"]),
            mends=tuple(Mend.from_dict(mend) for mend in data["mends"]),
            source=Source.from_dict(data["source"]) if data["source"] else None,
        )  # fmt: skip


def diagnose_gradients(
    scope: Mapping[str, Any],
    source: Source,
    name: str | None = None,
    *,
    function: str | None = None,
    gradient_function: str | None = None,
    at: str | None = None,
) -> tuple[GradientDiagnosis, ...]:
    """Examine the gradients of a file that was run.

    Parameters
    ----------
    scope : mapping
        Its names after it ran.
    source : Source
        Its text; functions were compiled under ``source.path``.
    name, function, gradient_function, at : str, optional
        Which function or class; the cost, its gradient, the parameters, where names do not tell.

    Returns
    -------
    tuple of GradientDiagnosis

    Raises
    ------
    CannotRun
        Nothing in the file looks like a gradient; a name is not there.

    Examples
    --------
    >>> text = '''
    ... def f(x):
    ...     return x**3
    ... def df(x):
    ...     return 2 * x**2
    ... '''
    >>> scope = {}
    >>> exec(compile(text, "cube.py", "exec"), scope)
    >>> [(told.name, told.kind) for told in diagnose_gradients(scope, Source("cube.py", text))]
    [('df', 'wrong')]
    """
    asked = {"function": function, "gradient_function": gradient_function, "at": at}
    return tuple(examinations(scope, source, name, **asked))


def examinations(
    scope: Mapping[str, Any], source: Source, name: str | None = None, **asked: str | None
) -> Iterator[GradientDiagnosis]:
    """Yield what :func:`diagnose_gradients` returns, one after the other."""
    remember(source.path, source.text)
    left = ALL
    for subject in find_gradients(scope, source.text, name, **asked):
        made, wrong = _examined(subject, source)
        if wrong and len(subject.choices) < 2 and left > 0:
            before = time.process_time()
            made = _mended(made, wrong, subject, scope, source, asked, min(SECONDS, left))
            left -= time.process_time() - before
        yield replace(made, source=source)


def _mended(
    made: GradientDiagnosis, wrong: Sequence[Judged], subject: GradientSubject, scope: Mapping[str, Any],
    source: Source, asked: Mapping[str, str | None], seconds: float,
) -> GradientDiagnosis:  # fmt: skip
    """Return a diagnosis with the lines that mend it, where some are proven to; of the reading in which they do."""
    spaces = (getattr(inspect.unwrap(function), "__globals__", None) for function in subject.functions)
    around: Mapping[str, Any] = next((space for space in spaces if space), {})  # what the file imports is there too

    def confirmed(text: str) -> bool:
        """Run an edited text, and find the same gradient right in it."""
        edited = replace(source, text=text)
        remember(source.path, text)
        try:
            anew = executed(source.text, text, {**around, **scope}, source.path)
            return any(
                _examined(other, edited)[0].kind == "right"
                for other in find_gradients(anew, text, None, **asked)
                if other.name == subject.name
            )
        finally:
            remember(source.path, source.text)

    until = time.process_time() + seconds
    for reading, told in wrong:
        one = _diagnosis(subject, source, reading, told)
        looked = [line.line for line in one.lines]
        mends = backward_mends(scope, source, reading, told, looked, _plainly, confirmed, until)
        if mends and (len(mends) == 1 or reading is wrong[0][0]):  # in a less likely reading more may be changed anyhow
            return replace(one, mends=mends)
    return made


def _examined(subject: GradientSubject, source: Source) -> tuple[GradientDiagnosis, Sequence[Judged]]:
    """Return the diagnosis of a gradient; of a wrong one with the readings that it may be mended in."""
    found: list[tuple[Reading, GradientVerdict]] = []
    failure: BaseException | None = None
    seen: set[bytes] = set()
    alone = not _of_many(subject, source)
    ways = islice(subject.readings(), TRIED)
    for reading in sorted(ways, key=lambda way: way.tier != 2) if alone else ways:
        if sum(before.tier == reading.tier for before, _ in found) >= MOST:
            continue
        if found and reading.tier > min(before.tier for before, _ in found) and not (alone and reading.tier == 2):
            continue
        try:
            mark = _tried(reading)
            if mark in seen:
                continue
            seen.add(mark)
            if reading.form == "known_loss" and not _hopeful(reading):
                failure = NoKnownLossError("it is the gradient of no loss that is known")
                continue
            told = check(reading, causes=False)
        except Exception as raised:  # noqa: BLE001 - a stranger's code may fail in any way
            failure = _better(failure, raised)
            continue
        if told.verdict == "right":
            return _diagnosis(subject, source, reading, told), ()
        if reading.form == "known_loss" and not any(block.right for block in told.blocks):
            failure = NoKnownLossError("it is the gradient of no loss that is known")
            continue
        found.append((reading, told))
    if not found:
        return _cannot_run(subject, source, failure), ()
    found.sort(key=lambda pair: _rank(*pair))
    named = [(reading, check(reading)) for reading, _ in found[:BEST]]
    named.sort(key=lambda pair: _rank(*pair))
    reading, told = named[0]
    made = _diagnosis(subject, source, reading, told)
    if told.verdict == "wrong" and len(subject.choices) > 1:
        made = replace(made, kind="unclear", choices=subject.choices)
    forms: dict[str, Judged] = {}
    for way, said in named if made.kind == "wrong" else ():
        if said.verdict == "wrong":
            forms.setdefault(way.form, (way, said))
    return made, tuple(forms.values())


def _hopeful(reading: Reading) -> bool:
    """Tell whether the gradient of any block agrees with this loss along a direction: a glance before a look."""
    blocks = Blocks(reading.x)
    rng = np.random.default_rng(0)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        given = blocks.receive(reading.grad(_copied(reading.x))).flat if reading.grad is not None else blocks.flat
        for _, _, place in blocks.slices():
            way = np.zeros(blocks.size)
            way[place] = rng.choice([-1.0, 1.0], place.stop - place.start)
            ahead, behind = (float(reading.fun(blocks.rebuild(blocks.flat + h * way))) for h in (GLANCE, -GLANCE))
            slope, claimed = (ahead - behind) / (2 * GLANCE), float(given @ way)
            if abs(slope - claimed) <= 1e-4 * abs(slope) + 1e-9:
                return True
    return False


def _of_many(subject: GradientSubject, source: Source) -> bool:
    """Tell whether the code, or the cost that it belongs to, speaks of many examples; else one is as good a reading."""
    text = "".join(inspect.getsource(f) for f in subject.functions if inspect.isfunction(f))
    for node in ast.parse(source.text).body:
        if isinstance(node, ast.FunctionDef) and node.name == subject.of:
            text += ast.get_source_segment(source.text, node) or ""
    return any(word in text for word in ("shape[", "len(", "axis", "mean(", ".size", " m ", "/ m", "/m", ".sum("))


def check(reading: Reading, *, causes: bool = True) -> GradientVerdict:
    """Examine one reading."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return examined(reading.fun, reading.grad, reading.x, causes=causes)


def _plainly(reading: Reading) -> GradientVerdict:
    return check(reading, causes=False)


def _tried(reading: Reading) -> bytes:
    """Call a reading once; return what marks it among those that do the same."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        value = np.asarray(reading.fun(_copied(reading.x)))
        if value.size != 1 or value.dtype.kind not in "fiub" or not math.isfinite(float(value.reshape(-1)[0])):
            raise NotThisWayError("no finite number came back")
        if reading.grad is not None:
            reading.grad(_copied(reading.x))
    # Readings of one value at one point differ in how the gradient is read, if in anything.
    return repr((float(value.reshape(-1)[0]), reading.form, reading.told, _shapes(reading.x))).encode()


def _shapes(x: Any) -> Any:
    if isinstance(x, Mapping):
        return {key: _shapes(value) for key, value in x.items()}
    return [_shapes(value) for value in x] if isinstance(x, (list, tuple)) else np.shape(x)


def _copied(x: Any) -> Any:
    if isinstance(x, Mapping):
        return {key: _copied(value) for key, value in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(_copied(value) for value in x)
    return x.copy() if isinstance(x, np.ndarray) else x


def _rank(reading: Reading, told: GradientVerdict) -> tuple[Any, ...]:
    """Order readings of which none is right: least wrong first, those with a cause that is named first."""
    misshapen = sum(block.returned_shape is not None for block in told.blocks)
    named = {name for cause in told.causes if cause.code not in VAGUE for name in cause.blocks}
    unnamed = set(told.wrong_blocks) - named
    kind = ("wrong", "unknown", "random").index(told.verdict) if told.verdict != "right" else 0
    return kind, len(unnamed), misshapen, len(told.wrong_blocks) / max(len(told.blocks), 1), bool(reading.form)


def _diagnosis(subject: GradientSubject, source: Source, reading: Reading, told: GradientVerdict) -> GradientDiagnosis:
    kind: Kind = "right" if told.verdict == "right" else "wrong" if told.verdict == "wrong" else "cannot_run"
    lines: tuple[Line, ...] = ()
    if kind == "wrong":
        right = [block.name for block in told.blocks if block.right]
        found = suspects(subject.functions, told.wrong_blocks, right)
        lines = tuple(Line(source.where(line), text, line) for line, text in found)
    return GradientDiagnosis(subject.name, subject.of, kind, told, reading.given, reading.form, reading.told, lines)


def _better(before: BaseException | None, now: BaseException) -> BaseException:
    """Return the failure that tells more: one of the code itself before one of ours."""
    if isinstance(before, NoKnownLossError):
        return before
    return now if before is None or (_is_ours(before) and not _is_ours(now)) else before


def _is_ours(failure: BaseException) -> bool:
    return isinstance(failure, (UnboundError, NotThisWayError, ThalwegError))


def _cannot_run(subject: GradientSubject, source: Source, failure: BaseException | None) -> GradientDiagnosis:
    trace = list(_lines_of(failure, source.path)) if failure is not None else []
    if not subject.of and not trace:
        return GradientDiagnosis(subject.name, "", "unclear", choices=subject.choices)
    if isinstance(failure, UnboundError):
        reason = f"{failure.function}({failure.argument})"
        return GradientDiagnosis(subject.name, subject.of, "unclear", reason=reason, choices=subject.choices)
    said = str(failure or "")
    if isinstance(failure, ThalwegError):
        said = failure.what
    elif failure is not None and not isinstance(failure, NotThisWayError):
        said = f"{type(failure).__name__}: {failure}"
        said = f"{source.where(trace[-1])}: {said}" if trace else said
    return GradientDiagnosis(subject.name, subject.of, "cannot_run", reason=" ".join(said.split())[:300])


def _lines_of(failure: BaseException, path: str) -> Iterator[int]:
    trace = failure.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            yield trace.tb_lineno
        trace = trace.tb_next


__all__ = ["CannotRun", "GradientDiagnosis", "Line", "diagnose_gradients"]
