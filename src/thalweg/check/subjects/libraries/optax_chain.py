"""Transformations of Optax: what a chain is made of, and its numbers, are read from the functions that it holds."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, final

import numpy as np

from thalweg.check.subjects.libraries.live import (
    Arrays,
    Live,
    Stepper,
    double_in_jax,
    fresh,
    known,
    left_out,
    loaded,
)

_ADAM = {"b1": "beta1", "b2": "beta2", "b3": "beta3", "eps": "epsilon", "eps_root": "epsilon_root"}
_ROLES: dict[str, dict[str, Any]] = {
    "trace": {"decay": "momentum"},
    "ema": {"decay": ("momentum", "beta1")},
    "scale_by_rms": {"decay": ("rho", "beta2"), "eps": "epsilon"},
    "scale_by_stddev": {"decay": "rho", "eps": "epsilon"},
    "scale_by_adadelta": {"rho": "rho", "eps": "epsilon"},
    "scale_by_rss": {"eps": "epsilon"},
    "scale_by_rprop": {
        "learning_rate": "initial_step",
        "eta_minus": "eta_minus", "eta_plus": "eta_plus", "min_step_size": "min_step", "max_step_size": "max_step",
    },
    "add_decayed_weights": {"weight_decay": "weight_decay"},
    "scale_by_ademamix": _ADAM | {"alpha": "alpha"},
}  # fmt: skip
_HINTS = {
    "trace": "momentum", "ema": "ema_momentum", "scale_by_sign": "signsgd", "scale_by_lion": "lion",
    "scale_by_rss": "adagrad", "scale_by_rms": "rmsprop", "scale_by_stddev": "rmsprop_centered",
    "scale_by_adadelta": "adadelta", "scale_by_adam": "adam", "scale_by_adamax": "adamax",
    "scale_by_amsgrad": "amsgrad", "scale_by_belief": "adabelief", "scale_by_yogi": "yogi",
    "scale_by_radam": "radam", "scale_by_rprop": "rprop", "scale_by_adan": "adan", "scale_by_ademamix": "ademamix",
}  # fmt: skip
_RATES = ("scale", "scale_by_schedule")
_CLIPS = ("clip", "clip_by_global_norm", "clip_by_block_rms", "adaptive_grad_clip", "zero_nans")
_NOTHING = ("identity", "set_to_zero")


@final
@dataclass(frozen=True)
class _Piece:
    """One transformation of a chain.

    Parameters
    ----------
    made_by : str
        The function that made it, such as ``scale_by_adam``.
    init, update : callable
        Its two halves.
    settings : dict
        What the update has in its closure.
    """

    made_by: str
    init: Callable[[Any], Any]
    update: Callable[..., Any]
    settings: dict[str, Any]


def recognise(update: Any) -> Live | None:
    """Return a transformation of Optax, or one of its functions that make one, as a subject; None for others."""
    optax, jax = loaded("optax"), loaded("jax")
    if optax is None or jax is None:
        return None
    name = ""
    if inspect.isfunction(update) and update.__module__.startswith("optax."):
        name = f"optax.{update.__name__}"
        rates = [p for p in inspect.signature(update).parameters.values() if p.name == "learning_rate"]
        update = fresh(update, **{p.name: 1e-2 for p in rates if p.default in (p.empty, None)})
    if not isinstance(update, optax.GradientTransformation):
        return None
    pieces = [p for p in _pieces(update.init, update.update) if p.made_by not in _NOTHING]
    clips = [p.made_by for p in pieces if p.made_by in _CLIPS]
    pieces = [p for p in pieces if p.made_by not in _CLIPS]
    made = [p.made_by for p in pieces]
    rate, scheduled, pieces = _freed(pieces)
    note = left_out(clips + ["its schedule"] * scheduled)
    if not {*made} & {*_RATES}:
        note = "; ".join(part for part in (note, "it has no learning rate and is played at 1") if part)
    name = name or f"optax.chain({', '.join(made)})"
    numbers = {} if rate is None else {"learning_rate": abs(rate)}  # a forgotten minus is a mistake, not a rate
    for piece in pieces:
        numbers |= known(piece.settings, _ROLES.get(piece.made_by, _ADAM))
    rests = any(p.made_by == "scale_by_rprop" for p in pieces)  # whose rate is where its steps start
    if rests:
        numbers.pop("learning_rate", None)

    def start(arrays: Arrays) -> Stepper:
        parameters = [jax.numpy.asarray(a) for a in arrays]
        states = [piece.init(parameters) for piece in pieces]

        def step(gradients: Arrays, factor: float) -> Arrays:
            nonlocal parameters
            updates = [jax.numpy.asarray(g) for g in gradients]
            for k, piece in enumerate(pieces):
                more = {"factor": factor} if piece.made_by in _RATES and rate is not None else {}
                updates, states[k] = piece.update(updates, states[k], parameters, **more)
            parameters = optax.apply_updates(parameters, updates)
            return [np.asarray(p, dtype=np.float64) for p in parameters]

        return step

    return Live(
        name=name, hint=_hint(pieces), numbers=numbers, moves_rate=rate is not None and not rests, note=note,
        start=start, context=partial(double_in_jax, jax),
    )  # fmt: skip


def _pieces(init: Callable[..., Any], update: Callable[..., Any]) -> Iterator[_Piece]:
    """Take a transformation apart: chains into their links, wrappers into what they wrap."""
    inside = _closure(update)
    wrapped = inside.get("tx")
    if "inner_factory" in inside:  # its numbers are in its state: made again with those it starts with
        own = _closure(init)
        schedules = {n: float(s(0)) for n, s in own["sched_hps"].items()}
        made = own["inner_factory"](**own["other_hps"], **own["numeric_hps"], **schedules)
        yield from _pieces(made.init, made.update)
    elif "update_fns" in inside:
        inits = _closure(init).get("init_fns", ())
        for each_init, each_update in zip(inits, inside["update_fns"], strict=True):
            yield from _pieces(each_init, each_update)
    elif wrapped is not None and "with_extra_args_support" in update.__qualname__:
        yield from _pieces(wrapped.init, wrapped.update)
    else:
        settings = _closure(init) | inside
        for value in inside.values():
            if inspect.isfunction(value) and value.__module__.startswith("optax."):
                settings = _closure(value) | settings  # some keep their numbers in an inner function
        yield _Piece(update.__qualname__.split(".")[0], init, update, settings)


def _closure(function: Callable[..., Any]) -> dict[str, Any]:
    return dict(inspect.getclosurevars(function).nonlocals) if inspect.isfunction(function) else {}


def _freed(pieces: list[_Piece]) -> tuple[float | None, bool, list[_Piece]]:
    """Return the learning rate, whether it was a schedule, and the pieces with that link open to a factor.

    A chain without such a link returns a direction, which its user is to scale: it is played at a rate of 1. With
    several, there is no one rate to move, and the pieces are as they were.
    """
    links = [k for k, p in enumerate(pieces) if p.made_by in _RATES]
    if not links:
        downhill = _Piece("scale", lambda _: (), lambda updates, *_: updates, {"step_size": -1.0})
        return _freed([*pieces, downhill])
    if len(links) > 1:
        return None, False, pieces
    piece = pieces[links[0]]
    scheduled = piece.made_by == "scale_by_schedule"
    size = piece.settings["step_size_fn"](0) if scheduled else piece.settings["step_size"]
    rate = -float(size)

    def update(updates: Any, state: Any, _: Any = None, *, factor: float = 1.0) -> Any:
        return [-rate * factor * u for u in updates], state

    changed = [*pieces]
    changed[links[0]] = replace(piece, update=update)
    return rate, scheduled, changed


def _hint(pieces: list[_Piece]) -> str | None:
    """Return the rule that a chain promises: that of its first link that has one, and what the others add to it."""
    made = [p.made_by for p in pieces]
    named = [_HINTS[m] for m in made if m in _HINTS]
    if not named:
        return "gradient_descent" if made in (["scale"], ["scale_by_schedule"]) else None
    first = named[0]
    settings = next(p.settings for p in pieces if p.made_by in _HINTS)
    if first == "momentum":
        return "signum" if "scale_by_sign" in made else "nesterov" if settings.get("nesterov") else first
    if first == "ema_momentum" and "scale_by_sign" in made:
        return "signum"
    if first == "adam":
        return "nadam" if settings.get("nesterov") else "adamw" if made[-2:-1] == ["add_decayed_weights"] else first
    if first.startswith("rmsprop"):
        return "laprop" if "ema" in made else first + "_momentum" * ("trace" in made)
    return first
