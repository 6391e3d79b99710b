"""The peers themselves, stepped along the tape. Each library is imported where it is used: all three are optional."""

from __future__ import annotations

import importlib.metadata
import inspect
import operator
import os
import platform
from typing import TYPE_CHECKING, Any

import numpy as np
from tests.peers.tape import GRADIENTS, START

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray


def _torch(optimizer: str, settings: Mapping[str, Any]) -> NDArray[np.float64]:
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # NAdam keeps its product of momenta in the default type
    try:
        theta = torch.tensor(START, requires_grad=True)
        optimiser = getattr(torch.optim, optimizer)([theta], **settings)
        thetas = np.empty_like(GRADIENTS)
        for step, gradient in enumerate(GRADIENTS):
            theta.grad = torch.tensor(gradient)
            optimiser.step()
            thetas[step] = theta.detach().numpy()
    finally:
        torch.set_default_dtype(before)
    return thetas


def _pieces(optax: Any, chain: str, settings: Mapping[str, Any]) -> list[Any]:
    """Make the transformations joined by ``+``; each takes the settings it knows, ``piece.name`` is for that piece."""
    pieces = []
    for name in chain.split("+"):
        make = operator.attrgetter(name)(optax)
        known = inspect.signature(make).parameters
        own = {key.removeprefix(f"{name}."): value for key, value in settings.items()}
        pieces.append(make(**{key: value for key, value in own.items() if key in known}))
    return pieces


def _optax(optimizer: str, settings: Mapping[str, Any]) -> NDArray[np.float64]:
    import jax
    import optax

    with jax.enable_x64(True):
        optimiser = optax.chain(*_pieces(optax, optimizer, settings))

        def step(carry: Any, gradient: Any) -> Any:
            theta, state = carry
            updates, state = optimiser.update(gradient, state, theta)
            theta = optax.apply_updates(theta, updates)
            return (theta, state), theta

        start = jax.numpy.asarray(START)
        _, thetas = jax.jit(lambda: jax.lax.scan(step, (start, optimiser.init(start)), jax.numpy.asarray(GRADIENTS)))()
        return np.asarray(thetas)


def _keras(optimizer: str, settings: Mapping[str, Any]) -> NDArray[np.float64]:
    os.environ["KERAS_BACKEND"] = "numpy"  # read once, when keras is imported
    import keras
    from keras.src.backend.common import dtypes

    # The numpy backend answers in float32 whatever it is given, as JAX does unless told otherwise. A comparison to
    # 1e-12 needs this one entry of its table to say what it is asked; the update rules themselves are untouched.
    before, narrowed = keras.config.floatx(), dtypes.BIT64_TO_BIT32_DTYPE["float64"]
    keras.config.set_floatx("float64")  # the learning rate is a variable of this type
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    try:
        theta = keras.Variable(START, dtype="float64")
        optimiser = getattr(keras.optimizers, optimizer)(**settings)
        thetas = np.empty_like(GRADIENTS)
        for step, gradient in enumerate(GRADIENTS):
            optimiser.apply([gradient], [theta])
            thetas[step] = np.asarray(theta.value)
    finally:
        keras.config.set_floatx(before)
        dtypes.BIT64_TO_BIT32_DTYPE["float64"] = narrowed
    return thetas


_PEERS: dict[str, Callable[[str, Mapping[str, Any]], NDArray[np.float64]]] = {
    "torch": _torch,
    "optax": _optax,
    "keras": _keras,
}


def live_trajectory(peer: str, optimizer: str, settings: Mapping[str, Any]) -> NDArray[np.float64]:
    """Theta after every step of the tape by a peer's optimizer: float64, (steps, coordinates).

    Raises
    ------
    ImportError
        Where the peer is not installed. A comparison that was asked for never passes by not being made.
    """
    return _PEERS[peer](optimizer, settings)


def versions(peer: str) -> dict[str, str]:
    """What the numbers depend on: the peer, what computes for it, and the processor's family."""
    libraries = {"torch": ("torch",), "optax": ("optax", "jax", "jaxlib"), "keras": ("keras", "numpy")}[peer]
    return {name: importlib.metadata.version(name) for name in libraries} | {"machine": platform.machine()}
