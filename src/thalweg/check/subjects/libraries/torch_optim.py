"""Optimizers of PyTorch: instances with their settings, and classes with their defaults; own subclasses as well."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from thalweg.check.subjects.libraries.live import Arrays, Live, Stepper, known, loaded
from thalweg.check.subjects.subject import Source

_ROLES = {
    "lr": "learning_rate", "eps": "epsilon", "betas": ("beta1", "beta2", "beta3"), "momentum": "momentum",
    "dampening": "dampening", "weight_decay": "weight_decay", "lr_decay": "lr_decay", "rho": "rho", "alpha": "rho",
    "momentum_decay": "momentum_decay", "initial_accumulator_value": "initial_accumulator",
}  # fmt: skip
_RPROP = {"lr": "initial_step", "etas": ("eta_minus", "eta_plus"), "step_sizes": ("min_step", "max_step")}
_HINTS = {
    "Adagrad": "adagrad", "Adadelta": "adadelta", "AdamW": "adamw", "Adamax": "adamax", "NAdam": "nadam",
    "RAdam": "radam", "Rprop": "rprop",
}  # fmt: skip
_HOW = ("foreach", "fused", "capturable", "differentiable")
"""Settings that say how it is computed and not what; a fresh copy has their defaults."""


def recognise(update: Any) -> Live | None:
    """Return an optimizer of PyTorch as a subject; None for anything else."""
    torch = loaded("torch")
    if torch is None:
        return None
    kind: Any = update if inspect.isclass(update) else type(update)
    if not issubclass(kind, torch.optim.Optimizer) or kind is torch.optim.Optimizer:
        return None
    settings: dict[str, Any] = {}
    notes: list[str] = []
    name = f"torch.optim.{kind.__name__}" if kind.__module__.startswith("torch.") else kind.__name__
    if not inspect.isclass(update):
        group = update.param_groups[0]
        settings = {n: group[n] for n in _parameters(kind) if n in group and n not in _HOW}
        if any(_differ(group, other, settings) for other in update.param_groups[1:]):
            notes.append(f"the first of its {len(update.param_groups)} groups of parameters")
    standing = {n: p.default for n, p in _parameters(kind).items() if p.default is not p.empty} | settings
    if standing.get("maximize"):
        settings["maximize"] = False  # the same rule, for a function that is to be large
        notes.append("played as if it minimised")
    own = _RPROP if kind.__name__ == "Rprop" else _ROLES

    def start(arrays: Arrays) -> Stepper:
        parameters = [torch.tensor(a, requires_grad=True) for a in arrays]
        optimizer = kind(parameters, **settings)
        rates = [group.get("lr") for group in optimizer.param_groups]

        def step(gradients: Arrays, factor: float) -> Arrays:
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                if rate is not None:
                    group["lr"] = rate * factor
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = torch.tensor(gradient)
            optimizer.step()
            return [p.detach().numpy().copy() for p in parameters]

        return step

    @contextmanager
    def double() -> Iterator[None]:
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)  # scalars that some rules keep are of this type
        try:
            yield
        finally:
            torch.set_default_dtype(before)

    return Live(
        name=name, hint=_hint(kind.__name__, standing), numbers=known(standing, own), source=_source(kind),
        moves_rate=True, note="; ".join(notes), start=start, context=double,
    )  # fmt: skip


def _source(kind: type) -> Source | None:
    """Return the text of a user's own class."""
    if kind.__module__.startswith("torch."):
        return None
    try:
        lines, first = inspect.getsourcelines(kind)
    except (OSError, TypeError):
        return None
    return Source(inspect.getsourcefile(kind) or kind.__name__, "".join(lines), first)


def _parameters(kind: type) -> Mapping[str, inspect.Parameter]:
    parameters = dict(inspect.signature(kind).parameters)
    parameters.pop("params", None)
    return parameters


def _differ(group: Mapping[str, Any], other: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    return any(group[n] is not other[n] and group[n] != other[n] for n in settings)


def _hint(name: str, settings: Mapping[str, Any]) -> str | None:
    if name == "SGD":
        moving = "nesterov" if settings.get("nesterov") else "momentum"
        return moving if settings.get("momentum") else "gradient_descent"
    if name == "Adam":
        return "amsgrad" if settings.get("amsgrad") else "adam"
    if name == "RMSprop":
        return "rmsprop" + "_centered" * bool(settings["centered"]) + "_momentum" * bool(settings["momentum"])
    return _HINTS.get(name)
