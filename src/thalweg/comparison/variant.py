"""A model and settings that an arm brings along, instead of those that all arms share; and what decides their runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from thalweg.descent.models import Model
from thalweg.descent.settings import Settings


@final
@dataclass(frozen=True)
class Variant:
    """What an arm does otherwise than by its rule: an estimator as a whole.

    Attributes
    ----------
    model : Linear or Network
    settings : Settings
        Penalty, schedule, batches, clipping. Its optimizer counts for nothing, its loss and its epochs are those of all
        arms. Penalties of layers are a tuple, so that it can be hashed.
    """

    model: Model
    settings: Settings


_WORDS = {"accumulate": "accumulated batches", "average": "averaging of iterates"}


def setting_word(name: str) -> str:
    """Return a setting as sentences and heads of tables call it.

    Examples
    --------
    >>> setting_word("clip_norm"), setting_word("accumulate")
    ('clip norm', 'accumulated batches')
    """
    return _WORDS.get(name, name.replace("_", " "))


def without_rule(settings: Settings) -> dict[str, Any]:
    """Return settings as plain data, without the optimizer."""
    said = settings.as_dict()
    del said["optimizer"]
    return said


def deciding(model: Model, settings: Settings) -> dict[str, Any]:
    """Return all that decides the numbers of runs of a model under some settings, rule and data apart, as plain data.

    A formula counts by what it says, not by its name alone.

    Examples
    --------
    >>> from thalweg.descent.models import Linear
    >>> from thalweg.formulas.losses import squared
    >>> from thalweg.formulas.rules import adam
    >>> wide, narrow = (deciding(Linear(2), Settings(adam, squared, batch_size=size)) for size in (8, 16))
    >>> wide["model"] == narrow["model"], wide == narrow
    (True, False)
    """
    formulas = [settings.loss, settings.schedule, *settings.layer_penalties(len(model.weights)), *model.activations]
    return {
        "model": repr(model),
        "settings": without_rule(settings),
        "formulas": [formula.fingerprint for formula in formulas if formula is not None],
    }
