from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from thalweg.check.losses import check_loss
from thalweg.errors import SettingError
from thalweg.formulas import catalog

OWN = [made for made in catalog.losses().values() if not made.per_row]


@pytest.mark.parametrize("made", OWN, ids=lambda made: made.name)
def test_losses_of_the_library_are_right(made: Any) -> None:
    told = check_loss(made)
    assert told.right, str(told)
    assert told.properties["convex in z"] == "yes"


def test_kink_of_the_hinge_is_named() -> None:
    assert check_loss("hinge").properties["kinks"].startswith("y = 1, z = 1 (-1 and 0")


def no_half(y: Any, z: Any) -> Any:
    return (z - y) ** 2, z - y


def turned_round(y: Any, z: Any) -> Any:
    return (z - y) ** 2 / 2, y - z


def at_the_wrong_place(y: Any, z: Any) -> Any:
    return np.logaddexp(0, z) - y * z, z * (1 - z) - y


def probabilities(y: Any, z: Any) -> Any:
    p = 1 / (1 + np.exp(-z))
    return -y * np.log(p) - (1 - y) * np.log(1 - p), p - y


def naive_softplus(y: Any, z: Any) -> Any:
    return np.log(1 + np.exp(z)) - y * z, 1 / (1 + np.exp(-z)) - y


def lost_digits(y: Any, z: Any) -> Any:
    s = (2 * y - 1) * z
    return np.maximum(-s, 0) + np.log(1 + np.exp(-np.abs(s))), -(2 * y - 1) / (1 + np.exp(s))


def wide(y: Any, z: Any) -> Any:
    return (z - y) ** 2 * np.float64(0.5) * np.ones(1), z - y


@pytest.mark.parametrize(
    ("loss", "codes", "said"),
    [
        (no_half, {"derivative"}, "a factor of 2 is missing"),
        (turned_round, {"derivative"}, "the sign is turned round"),
        (at_the_wrong_place, {"derivative"}, "the slope"),
        (probabilities, {"nan", "overflow"}, "np.logaddexp"),
        (naive_softplus, {"overflow", "digits"}, "np.log1p"),
        (lost_digits, {"digits"}, "np.log1p"),
        (wide, {"widens"}, "float32"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_mistakes_of_a_loss_are_named(loss: Any, codes: set[str], said: str) -> None:
    told = check_loss(loss)
    assert told.codes == codes, str(told)
    assert said in " ".join(line.strip() for line in told.lines)
    assert max(map(len, told.lines)) <= 80


def test_a_loss_that_is_not_convex_is_told() -> None:
    told = check_loss(lambda y, z: ((np.tanh(z) - y) ** 2 / 2, (np.tanh(z) - y) * (1 - np.tanh(z) ** 2)))
    assert told.right
    assert told.properties["convex in z"].startswith("no")


@pytest.mark.parametrize("loss", ["softmax", 3, lambda y, z: np.mean((z - y) ** 2)], ids=["rows", "number", "mean"])
def test_what_is_no_such_loss_is_answered(loss: Any) -> None:
    with pytest.raises(SettingError) as raised:
        check_loss(loss)
    assert raised.value.code == "LOSS-CALL"
