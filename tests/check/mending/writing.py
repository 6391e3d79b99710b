"""Rules with planted mistakes as people write them: the textbook's lines in four styles."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

from thalweg.check.hypothesis import Hypothesis
from thalweg.check.subjects.subject import Source, Subject
from thalweg.check.tape import Tape
from thalweg.check.trajectory import Trajectory

STYLES = ("arrays", "layers", "class", "closure")
SHORT = {
    "learning_rate": "lr", "beta1": "b1", "beta2": "b2", "epsilon": "eps", "momentum": "mu", "weight_decay": "wd",
    "velocity": "vel", "m_hat": "m_corr", "v_hat": "v_corr",
}  # fmt: skip
"""How the layers' author calls things."""


def renamed(line: str, names: dict[str, str]) -> str:
    return re.sub(r"\b[a-zA-Z_]\w*\b", lambda found: names.get(found[0], found[0]), line)


@dataclass(frozen=True)
class Written:
    """A text, and in which of its lines each line of the textbook stands."""

    text: str
    places: dict[int, int]
    style: str


def written(hypothesis: Hypothesis, numbers: dict[str, float], style: str) -> Written:
    """Write a rule with its mistakes."""
    lines = [ast.unparse(s) for s in hypothesis.statements or []]
    slots = list(hypothesis._slots)
    starts = {s: (numbers[v] if isinstance(v, str) else v) for s, v in hypothesis._slots.items()}
    head: list[str] = ["import numpy as np", "", ""]
    if style == "arrays":
        given = ", ".join(f"{n}={v!r}" for n, v in numbers.items())
        head.append(f"def update(theta, g, t, {''.join(s + ', ' for s in slots)}{given}):")
        body = [f"    {line}" for line in lines]
        tail = [f"    return {', '.join(['theta', *slots])}"]
    elif style == "layers":
        names = SHORT | {"theta": "params[key]", "g": "grads[key]"}
        names |= {s: f"state[key][{SHORT.get(s, s)!r}]" for s in slots}
        given = ", ".join(f"{SHORT.get(n, n)}={v!r}" for n, v in numbers.items())
        head.append(f"def update(params, grads, state, t, {given}):")
        head.append("    for key in params:  # every layer")
        body = [f"        {renamed(line, names)}  # {k}" for k, line in enumerate(lines)]
        tail = ["    return params, state"]
    elif style == "class":
        names = {n: f"self.{n}" for n in numbers} | {s: f"self.{s}[k]" for s in slots} | {"t": "self.t"}
        names |= {"theta": "params[k]", "g": "grads[k]"}
        head += ["class Optimizer:", f"    def __init__(self, {', '.join(f'{n}={v!r}' for n, v in numbers.items())}):"]
        head += [f"        self.{n} = {n}" for n in numbers] + ["        self.t = 0"]
        head += [f"        self.{s} = None" for s in slots] + ["", "    def step(self, params, grads):"]
        if slots:
            head += [f"        if self.{slots[0]} is None:"]
            head += [f"            self.{s} = [np.zeros_like(p) + {starts[s]} for p in params]" for s in slots]
        head += ["        self.t += 1", "        for k in range(len(params)):"]
        body = [f"            {renamed(line, names)}" for line in lines]
        tail = ["        return params"]
    else:
        head += [f"def make({', '.join(f'{n}={v!r}' for n, v in numbers.items())}):"]
        head += [f"    {s} = {starts[s]!r}" for s in slots] + ["    t = 0", "", "    def update(theta, g):"]
        head += [f"        nonlocal {', '.join([*slots, 't'])}", "        t += 1"]
        body = [f"        {line}" for line in lines]
        tail = ["        return theta", "", "    return update"]
    places = {k: len(head) + k + 1 for k in range(len(lines))}
    return Written("\n".join([*head, *body, *tail]) + "\n", places, style)


@dataclass(frozen=True, kw_only=True)
class Stranger(Subject):
    """The four styles, played."""

    update: Any
    style: str
    starts: dict[str, float]

    def play(self, tape: Tape) -> Trajectory:
        with np.errstate(all="ignore"):
            return self._played(tape)

    def _played(self, tape: Tape) -> Trajectory:
        thetas = [tape.theta0]
        arrays = tape.split(tape.theta0)
        names = [f"W{k}" for k in range(len(arrays))]
        params = dict(zip(names, arrays, strict=True))
        made = self.update() if self.style in ("class", "closure") else self.update
        short = {SHORT.get(s, s): v for s, v in self.starts.items()}
        state: Any = {n: {s: np.zeros_like(a) + v for s, v in short.items()} for n, a in params.items()}
        memory = [np.zeros(tape.size) + v for v in self.starts.values()]
        theta = tape.theta0.copy()
        for t, g in enumerate(tape.gradients, start=1):
            grads = dict(zip(names, tape.split(g), strict=True))
            if self.style == "layers":
                params, state = made(params, grads, state, t)
                theta = tape.join(list(params.values()))
            elif self.style == "class":
                arrays = made.step(arrays, list(grads.values()))
                theta = tape.join(arrays)
            elif self.style == "closure":
                theta = made(theta, g.copy())
            else:
                given = made(theta, g.copy(), t, *memory)
                theta, *memory = given if isinstance(given, tuple) else (given,)
            thetas.append(np.array(theta, dtype=np.float64))
        return Trajectory(np.stack(thetas))


def stranger(code: Written, hypothesis: Hypothesis, numbers: dict[str, float]) -> Stranger:
    """Make a text playable."""
    namespace: dict[str, Any] = {"__name__": "stranger"}
    exec(compile(code.text, "stranger.py", "exec"), namespace)  # noqa: S102 - written above
    update = namespace["Optimizer" if code.style == "class" else "make" if code.style == "closure" else "update"]
    assert isinstance(update, FunctionType | type)
    starts = {s: (numbers[v] if isinstance(v, str) else v) for s, v in hypothesis._slots.items()}
    source = Source("stranger.py", code.text)
    return Stranger(name="update", numbers=numbers, source=source, update=update, style=code.style, starts=starts)
