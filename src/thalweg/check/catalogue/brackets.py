"""Mistakes of brackets that are missing: the operator that binds tighter takes what was not meant for it."""

from __future__ import annotations

from thalweg.check.catalogue.edits import Edit, Either, Replace
from thalweg.check.catalogue.variation import Variation

_ADAM = ("adam", "adamw")
_ROOTED = (
    "adagrad", "rmsprop", "rmsprop_momentum", "rmsprop_centered", "rmsprop_centered_momentum", "adam", "adamw",
    "amsgrad",
)  # fmt: skip


def in_denominator(guarded: str, bare: str) -> Edit:
    """Change the root that a step is divided by, whether epsilon is added to it or not.

    Parameters
    ----------
    guarded : str
        What stands for ``np.sqrt(X) + epsilon``.
    bare : str
        What stands for ``Y / np.sqrt(X)``, where another variation has put epsilon elsewhere.
    """
    return Either((
        Replace("np.sqrt(X) + epsilon", guarded),
        Replace("Y / np.sqrt(X)", bare, within="theta"),
        Replace("Y / np.sqrt(X)", bare, within="velocity"),
    ))  # fmt: skip


_FIRST_LESS = Replace("m_hat = X / (1 - beta1**t)", "m_hat = X / 1 - beta1**t")
_SECOND_LESS = Replace("v_hat = X / (1 - beta2**t)", "v_hat = X / 1 - beta2**t")
# Counted from 0 and meant to be one more: 1 - beta**(t + 1).
_FIRST_MORE = Replace("1 - beta1**t", "1 - beta1**(t - 1) + 1", within="m_hat")
_SECOND_MORE = Replace("1 - beta2**t", "1 - beta2**(t - 1) + 1", within="v_hat")

ROOTS = (
    Variation(
        "half-for-root",
        "mistake",
        "half stands where the root belongs",
        "The power comes before the division: v ** 1 / 2 is (v ** 1) / 2, half of v. The root is v ** 0.5 or "
        "v ** (1 / 2).",
        "Python: ** binds tighter than /; public course code",
        (in_denominator("X**1 / 2 + epsilon", "Y / (X**1 / 2)"),),
        _ROOTED,
    ),
    Variation(
        "quotient-halved",
        "mistake",
        "the quotient is halved, not divided by the root",
        "The power comes before the division: m / v ** 1 / 2 is (m / v) / 2. The root is v ** 0.5 or v ** (1 / 2).",
        "Python: ** binds tighter than /; public course code",
        (
            Either((
                Replace("Y / (np.sqrt(X) + epsilon)", "Y / (X + epsilon)**1 / 2", within="theta"),
                Replace("Y / np.sqrt(X)", "Y / X**1 / 2", within="theta"),
            )),
        ),
        ("adagrad", "rmsprop", "adam", "adamw", "amsgrad"),
    ),
    Variation(
        "multiplied-by-root",
        "mistake",
        "the step is multiplied by the root, not divided",
        "Coordinates with large gradients take the largest steps, where they should be held back. Steps grow with the "
        "gradient's square.",
        "public course code",
        (
            Either((
                Replace("X / (np.sqrt(Y) + epsilon)", "X * (np.sqrt(Y) + epsilon)"),
                Replace("X / np.sqrt(Y)", "X * np.sqrt(Y)", within="theta"),
            )),
        ),
        _ROOTED,
    ),
)  # fmt: skip

CORRECTIONS = (
    Variation(
        "first-correction-brackets-missing",
        "mistake",
        "the brackets around 1 - beta1**t are missing",
        "Division comes first: m / 1 - beta1**t is m less beta1**t. At first every step goes the same way, whatever "
        "the gradient is.",
        "public course code",
        (_FIRST_LESS,),
        _ADAM,
    ),
    Variation(
        "second-correction-brackets-missing",
        "mistake",
        "the brackets around 1 - beta2**t are missing",
        "Division comes first: v / 1 - beta2**t is v less beta2**t. That is negative for small gradients, and its root "
        "has no real value.",
        "public course code",
        (_SECOND_LESS,),
        _ADAM,
    ),
    Variation(
        "correction-brackets-missing",
        "mistake",
        "the brackets around both corrections are missing",
        "Division comes first: m / 1 - beta1**t is m less beta1**t, and so is it with v. The corrections are then "
        "subtracted.",
        "public course code",
        (_FIRST_LESS, _SECOND_LESS),
        _ADAM,
    ),
    Variation(
        "first-correction-of-one-more",
        "mistake",
        "the brackets around t + 1 are missing in the first correction",
        "The power comes first: 1 - beta1**t + 1 is one more than it should be, about 2. Steps are half as long as "
        "they should be, and far too short at the start.",
        "public course code",
        (_FIRST_MORE,),
        _ADAM,
    ),
    Variation(
        "second-correction-of-one-more",
        "mistake",
        "the brackets around t + 1 are missing in the second correction",
        "The power comes first: 1 - beta2**t + 1 is one more than it should be. The mean square is not corrected, and "
        "early steps are far too long.",
        "public course code",
        (_SECOND_MORE,),
        _ADAM,
    ),
    Variation(
        "corrections-of-one-more",
        "mistake",
        "the brackets around t + 1 are missing in both corrections",
        "The power comes first: 1 - beta**t + 1 is one more than it should be. Neither average is corrected.",
        "public course code",
        (_FIRST_MORE, _SECOND_MORE),
        _ADAM,
    ),
)

VARIATIONS = (*ROOTS, *CORRECTIONS)
