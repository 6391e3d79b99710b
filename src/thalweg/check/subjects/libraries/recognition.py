"""Which library an object is of."""

from __future__ import annotations

from typing import Any

from thalweg.check.subjects.libraries import keras_optimizers, optax_chain, river_optim, scikit_learn, torch_optim
from thalweg.check.subjects.libraries.live import Live

_LIBRARIES = (torch_optim, optax_chain, keras_optimizers, river_optim, scikit_learn)


def live(update: Any) -> Live | None:
    """Return an optimizer of PyTorch, Optax, Keras, River or scikit-learn as a subject.

    Parameters
    ----------
    update : object
        An instance with its own settings, or a class with its defaults.

    Returns
    -------
    Live or None
        None where it is of none of these libraries, or its library was never imported.

    Examples
    --------
    >>> from sklearn.neural_network import MLPRegressor
    >>> subject = live(MLPRegressor(solver="sgd", momentum=0.8))
    >>> subject.hint, subject.numbers
    ('nesterov', {'learning_rate': 0.001, 'momentum': 0.8})
    """
    return next((subject for library in _LIBRARIES if (subject := library.recognise(update)) is not None), None)
