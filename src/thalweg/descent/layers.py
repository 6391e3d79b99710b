"""Which layer of a network left the finite numbers first."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.batches import Rows
from thalweg.descent.models import Network

Array = NDArray[Any]


def first_to_break(network: Network, parts: Array) -> int | None:
    """Return the layer, from 1, in which a gradient, or what it left, stopped being finite.

    A gradient comes back from the last layer to the first: the last of those that broke was the first.

    Parameters
    ----------
    network : Network
    parts : ndarray (network.size,)
        Gradient or parameters.

    Examples
    --------
    >>> from thalweg.formulas.activations import relu
    >>> network = Network((1, 2, 1), (relu,))
    >>> first_to_break(network, np.array([np.inf, 0.0, 0.0, np.inf, 0.0, 0.0, 0.0]))
    2
    """
    for layer in reversed(range(len(network.shapes))):
        slices = network.weights[layer], network.intercepts[layer]
        if not all(np.isfinite(parts[start:stop]).all() for start, stop in slices):
            return layer + 1
    return None


@np.errstate(all="ignore")
def first_to_overflow(network: Network, theta: Array, rows: Rows, order: NDArray[np.int64]) -> int | None:
    """Return the layer, from 1, whose scores or units are the first on their way that are not finite.

    Parameters
    ----------
    network : Network
    theta : ndarray (network.size,)
    rows : Rows
    order : ndarray of int64
        The rows that are sent through.

    Returns
    -------
    int or None
        None where all scores are finite, and only their loss is not.
    """
    values: Any = rows.some(order)
    coefs, biases = network.coefs(theta), network.biases(theta)
    for layer, activation in enumerate([*network.hidden_activations, None]):
        scores = np.asarray(values @ coefs[layer] + biases[layer])
        values = scores if activation is None else activation.value(scores)
        if not (np.isfinite(scores).all() and np.isfinite(values).all()):
            return layer + 1
    return None


def named(network: Network, layer: int) -> str:
    """Return a layer as it is spoken of."""
    fan_in, fan_out = network.shapes[layer - 1]
    return f"layer {layer} of {len(network.shapes)} ({fan_in} to {fan_out})"
