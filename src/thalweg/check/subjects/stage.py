"""One run of the code: what every argument is given, step by step, and what is remembered between the steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from thalweg.check.subjects import words
from thalweg.check.subjects.answers import Answers
from thalweg.check.subjects.arrangements import SIZES, Arrangement, Items, Separate
from thalweg.check.subjects.held import Held
from thalweg.check.subjects.signature import EMPTY, NUMBERS, PAIRS, Argument, Signature

Array = NDArray[Any]

_OF_ARRAYS = frozenset(
    "shape copy ndim dtype size T sum mean dot astype reshape max min any all fill flatten ravel tolist std append "
    "extend pop insert items keys values get setdefault update".split()
)


_INPUTS = {"in", "input", "inputs", "x", "fan"}
_HIDDEN = {"hidden", "h", "mid"}
_OUTPUTS = {"out", "output", "outputs", "y", "classes"}


class Unanswerable(Exception):  # noqa: N818 - not an error of the code that is examined
    """An argument that nothing can be given for."""


@final
@dataclass(frozen=True, eq=False)
class Dial:
    """A place where the code keeps its learning rate, to be turned between the steps.

    Parameters
    ----------
    holder : object
        An object, a dictionary, a cell of a closure.
    name : str
        The attribute or key.
    base : float
        What stood there at the start.
    """

    holder: Any
    name: str
    base: float

    def turn(self, factor: float) -> None:
        """Set the learning rate to a multiple of what it was."""
        if isinstance(self.holder, dict):
            self.holder[self.name] = self.base * factor
        else:
            setattr(self.holder, self.name, self.base * factor)

    @property
    def moved(self) -> bool:
        """Whether the code has changed its learning rate itself."""
        held = self.holder.get(self.name) if isinstance(self.holder, dict) else getattr(self.holder, self.name, None)
        return held != self.base


@final
@dataclass(eq=False)
class Stage:
    """What the code is given in one run.

    Parameters
    ----------
    arrangement : Arrangement
    arrays : list of ndarray
        Where the parameters start.
    given : mapping
        Numbers by role that the user states.
    first_count : int
        The first value of a counter that is an argument.
    rate_name : str or None
        What the learning rate is called, where the user says so.
    """

    arrangement: Arrangement
    arrays: list[Array]
    given: Mapping[str, float]
    first_count: int = 1
    rate_name: str | None = None
    params: list[Any] = field(init=False)
    grads: list[Any] = field(init=False)
    memory: list[dict[str, Any]] = field(init=False)
    instance: Any = None
    call: Callable[..., Any] | None = None
    dials: list[Dial] = field(default_factory=list)
    index: int = 0
    factor: float = 1.0
    used: dict[str, float] = field(default_factory=dict)
    """Numbers that were given to the code, by role."""

    def __post_init__(self) -> None:
        self.params = self.arrangement.params(self.arrays)
        self.grads = list(self.params)
        self.memory = [{} for _ in range(self.arrangement.parts)]

    def turn(self, gradients: list[Array], index: int, factor: float) -> None:
        """Go to the next step: lay out its gradients, and set the learning rate."""
        self.index, self.factor = index, factor
        self.grads = self.arrangement.gradients(gradients, self.params)
        for dial in self.dials:
            dial.turn(factor)

    def values(self, signature: Signature, part: int = 0, *, making: bool = False) -> dict[str, Any]:
        """Return a value for every argument that needs one.

        Parameters
        ----------
        signature : Signature
        part : int
            Which call of the step it is.
        making : bool
            Whether an object is made, which counts and remembers from its own beginning.
        """
        found = {}
        for argument in signature.arguments:
            own = argument.role in (words.COUNT, words.MEMORY, words.KEY, words.SIZE, words.ITERATIONS, None)
            if making and own and not argument.required and argument.name not in self.memory[part]:
                continue
            value = self.supply(argument, part)
            if value is not EMPTY:
                found[argument.name] = value
        return found

    def supply(self, argument: Argument, part: int) -> Any:
        """Return what an argument is given; ``inspect.Parameter.empty`` leaves its default.

        Raises
        ------
        Unanswerable
            It has no default, and nothing is known about it.
        """
        held = self.memory[part]
        if argument.name in held:
            return held[argument.name]
        role = argument.role
        if role in (words.PARAMETERS, words.LAYER):
            return self._params(argument, part)
        if role == words.GRADIENTS and isinstance(self.arrangement, Held):
            return self.arrangement.slope(argument.name, self.grads[part])
        if role == words.GRADIENTS:
            return self._own(self.arrangement.asked(argument.name, self.grads[part]), argument)
        if role == PAIRS:
            return self._pairs(argument, part)
        if role == words.COUNT:
            return self.first_count + self.index
        if role == words.DATA and argument.required:
            return np.ones(4) if argument.name.lower().lstrip("_").startswith(("y", "t", "l")) else np.ones((4, 3))
        if role == words.BATCH:
            return 1  # gradients are divided already
        if role == words.KEY:
            return self.arrangement.key(part)
        if role in (words.FUNCTION, words.BOTH, words.OBJECTIVE, words.CALLBACK) and (
            argument.required or argument.use.called
        ):
            return self._function(argument, part)
        if role in NUMBERS:
            return self._number(argument)
        if role == words.SIZE:
            return self._size(argument) if argument.required else EMPTY
        if not argument.required:
            return EMPTY if role != words.CONFIG else self._settings(argument, part)
        if role == words.CONFIG:
            return self._config(argument, part)
        if role in (words.MEMORY, None):
            return self._memory(argument, part)
        raise Unanswerable(f"nothing is known to give for its argument {argument.name!r}")

    def _own(self, laid: Any, argument: Argument) -> Any:
        return laid[argument.part] if argument.part is not None and isinstance(laid, tuple) else laid

    def _params(self, argument: Argument, part: int) -> Any:
        if argument.role == words.PARAMETERS and argument.default not in (EMPTY, None):
            return EMPTY
        return self._own(self.params[part], argument)

    def _pairs(self, argument: Argument, part: int) -> Any:
        params, grads = self.params[part], self.grads[part]
        if isinstance(params, dict):
            params, grads = list(params.values()), list(grads.values())
        if not isinstance(params, list | tuple):
            params, grads = [params], [grads]
        first = words.role_of(words.tokens(argument.name)[0])
        return list(zip(grads, params, strict=True) if first == words.GRADIENTS else zip(params, grads, strict=True))

    def _function(self, argument: Argument, part: int) -> Any:
        """Return a gradient function for one step: it answers the same wherever it is asked."""
        if argument.role == words.CALLBACK:
            return (lambda *_, **__: None) if argument.required else EMPTY
        if argument.role == words.FUNCTION:
            return lambda *_, **__: self._own(self.grads[part], argument)
        if argument.role == words.BOTH:
            return lambda *_, **__: (1.0, self._own(self.grads[part], argument))
        return (lambda *_, **__: 1.0) if argument.use.called else 1.0

    def _number(self, argument: Argument) -> Any:
        role = argument.role or ""
        default = argument.default if argument.usual is None or not argument.required else argument.usual
        if role == "betas":
            pair = tuple(self.given.get(k, words.USUAL[k]) for k in ("beta1", "beta2"))
            return EMPTY if default is not EMPTY and default is not None and "beta1" not in self.given else pair
        usual = self.given.get(role, self.given.get("momentum", self.given.get("rho")) if role == words.SHARE else None)
        if usual is None:
            number = isinstance(default, int | float) and not isinstance(default, bool)
            if not argument.required and not number:
                return EMPTY
            usual = float(default) if number else words.USUAL[role]
        self.used.setdefault(role, usual)
        if role == words.RATE:
            return usual * self.factor
        return default if default is not EMPTY and float(default or 0) == usual else usual

    def _size(self, argument: Argument) -> Any:
        shapes, lower = self.arrangement.shapes, argument.name.lower()
        if isinstance(self.arrangement, Items) and argument.use.measures:
            return len(shapes)
        if "shapes" in lower:
            return list(shapes)
        if "shape" in lower:
            return shapes[0]
        if "sizes" in lower or "dims" in lower or lower == "layers":
            return list(SIZES)
        held = set(words.tokens(lower))
        for size, marks in zip(SIZES, (_INPUTS, _HIDDEN, _OUTPUTS), strict=True):
            if held & marks:
                return size
        if "layer" in lower or "params" in lower or "weights" in lower:
            return len(shapes) if len(shapes) > 1 else shapes[0][0]
        return shapes[0] if len(shapes) == 1 and len(shapes[0]) > 1 else shapes[0][0]

    def _settings(self, argument: Argument, part: int) -> Any:
        """Return a copy of the settings that stand as a default, in which the learning rate can be turned."""
        if argument.default is None or argument.default == {}:
            return self._config(argument, part)
        held = argument.default if isinstance(argument.default, dict) else getattr(argument.default, "__dict__", None)
        if held is None or callable(argument.default):
            return EMPTY
        made = deepcopy(argument.default)
        for name, value in held.items():
            rate = words.role_of(str(name)) == words.RATE or name == self.rate_name
            if rate and isinstance(value, int | float) and not isinstance(value, bool):
                self.dials.append(Dial(made, str(name), float(value)))
                self.dials[-1].turn(self.factor)
                self.used.setdefault(words.RATE, float(value))
        self.memory[part][argument.name] = made
        return made

    def _config(self, argument: Argument, part: int) -> Any:
        def answer(key: Any) -> Any:
            role = words.role_of(str(key))
            if str(key) == self.rate_name or role == words.RATE:
                rate = self.given.get(words.RATE, argument.use.defaults.get(str(key), words.USUAL[words.RATE]))
                self.used.setdefault(words.RATE, rate)
                return rate
            if role == "betas":
                return (0.9, 0.999)
            if role in words.USUAL:
                value = self.given.get(role, argument.use.defaults.get(str(key), words.USUAL[role]))
                self.used.setdefault(role, value)
                return value
            if role == words.COUNT:
                return self.first_count
            return self._start(part, str(key), argument)

        if [a for a in argument.use.attributes if a not in _OF_ARRAYS and not a.startswith("[")]:
            self.memory[part][argument.name] = held = _Slots(answer)
            for name in dict.fromkeys(argument.use.attributes):
                if words.role_of(name) == words.RATE or name == self.rate_name:
                    self.dials.append(Dial(held, name, getattr(held, name)))
            return held
        self.memory[part][argument.name] = made = Answers([], answer)
        for key in dict.fromkeys(argument.use.keys):  # what it reads before it has written it
            if words.role_of(key) == words.RATE or key == self.rate_name:
                self.dials.append(Dial(made, key, made[key]))
                made[key] *= self.factor
        return made

    def _memory(self, argument: Argument, part: int) -> Any:
        """Return memory before the first step, in the form that the text uses it in."""
        use = argument.use
        if use.unpacked:
            made: Any = tuple(self._start(part, name, argument) for name in use.unpacked)
        elif len(use.elements) > 1 and isinstance(self.arrangement.zeros(part), list):
            made = [tuple(np.array(zero) for _ in use.elements) for zero in self.arrangement.zeros(part)]
        elif use.keys or use.made_keys or use.mapped:
            made = Answers([], lambda key: self._start(part, str(key), argument))
        elif use.indices and len(self.arrangement.shapes) == 1 and not isinstance(self.params[part], list):
            made = [self._start(part, "", argument) for _ in range(max(use.indices) + 1)]
        elif [a for a in use.attributes if a not in _OF_ARRAYS and not a.startswith("[")] and not use.walked:
            made = _Slots(lambda name: self._start(part, name, argument))
        else:
            made = self._own(self.arrangement.zeros(part), argument)
        self.memory[part][argument.name] = made
        return made

    @staticmethod
    def _carried(argument: Argument) -> str | None:
        """Return which of the names in a state is the parameters: the first that is called so."""
        held = [*argument.use.unpacked, *argument.use.attributes]
        return next((name for name in held if words.role_of(name) == words.PARAMETERS), None)

    def _start(self, part: int, name: str, argument: Argument) -> Any:
        """Return the first value of a named piece of memory."""
        role = words.role_of(name)
        if role == words.COUNT:
            return self.first_count - 1 if name in argument.use.unpacked or name in argument.use.attributes else 0
        if role == words.PARAMETERS and name == self._carried(argument):
            return self.params[part]
        zeros = self.arrangement.zeros(part)
        if isinstance(self.arrangement, Separate):
            names, shapes = self.arrangement.names, self.arrangement.shapes
            known = words.stem(name, names)
            if known is not None and known != name:
                return zeros[names.index(known)]
            return Answers([], lambda key: np.zeros(shapes[names.index(words.stem(str(key), names) or names[0])]))
        if isinstance(zeros, Answers):
            try:
                return zeros[name]
            except KeyError:
                return zeros
        return zeros


class _Slots(SimpleNamespace):
    """An object whose attributes are zero until they are written."""

    def __init__(self, answer: Callable[[str], Any]) -> None:
        super().__init__()
        self.__dict__["_answer"] = answer

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = self.__dict__["_answer"](name)
        setattr(self, name, value)
        return value
