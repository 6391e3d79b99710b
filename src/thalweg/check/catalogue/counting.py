"""Mistakes of corrections: which power of beta is taken, and of which step."""

from __future__ import annotations

from types import MappingProxyType

from thalweg.check.catalogue.edits import Edit, First, Replace
from thalweg.check.catalogue.variation import Variation

_ADAM = ("adam", "adamw")


def _first(correction: str) -> Edit:
    return Replace("1 - beta1**t", correction, within="m_hat")


def _second(correction: str) -> Edit:
    return Replace("1 - beta2**t", correction, within="v_hat")


COUNTERS = (
    Variation(
        "first-counted-behind",
        "mistake",
        "the first correction is that of the step before",
        "t is counted between the two corrections. 1 - beta1**0 is zero, so the first step divides by zero.",
        "public course code; nd4j#1227 (t from 0 in both)",
        (_first("1 - beta1**(t - 1)"),),
        _ADAM,
    ),
    Variation(
        "second-counted-behind",
        "mistake",
        "the second correction is that of the step before",
        "t is counted between the two corrections. 1 - beta2**0 is zero, so the first step is divided by infinity and "
        "does not move; the next are too short.",
        "public course code; nd4j#1227 (t from 0 in both)",
        (_second("1 - beta2**(t - 1)"),),
        _ADAM,
    ),
    Variation(
        "first-counted-ahead",
        "mistake",
        "the first correction is that of the next step",
        "t + 1 stands where t belongs in one of the two corrections. The first step is too short by half and the "
        "difference is gone after some thirty.",
        "public course code; cs231n#179 (t from 2 in both)",
        (_first("1 - beta1**(t + 1)"),),
        _ADAM,
    ),
    Variation(
        "second-counted-ahead",
        "mistake",
        "the second correction is that of the next step",
        "t + 1 stands where t belongs in one of the two corrections. The first step is sqrt(2) times too long.",
        "public course code; cs231n#179 (t from 2 in both)",
        (_second("1 - beta2**(t + 1)"),),
        _ADAM,
    ),
    Variation(
        "counted-in-epochs",
        "mistake",
        "t counts epochs, not updates",
        "The averages grow with every update, and the correction with every epoch. It stays as strong as at the first "
        "step for a whole epoch, and steps are of a wrong length for as long as training lasts.",
        "public course code (beta2 ** epoch)",
        (First("t = 1 + (t - 1) // epoch_length"),),
        _ADAM,
        MappingProxyType({"epoch_length": 10.0}),
    ),
)

POWERS = (
    Variation(
        "first-product-for-power",
        "mistake",
        "beta1 * t stands where beta1**t belongs",
        "A product in the place of a power: 1 - beta1 * t is negative from the second step on, and steps go uphill.",
        "public course code",
        (_first("1 - beta1 * t"),),
        _ADAM,
    ),
    Variation(
        "second-product-for-power",
        "mistake",
        "beta2 * t stands where beta2**t belongs",
        "A product in the place of a power: 1 - beta2 * t is negative from the second step on. Its root has no real "
        "value.",
        "public course code",
        (_second("1 - beta2 * t"),),
        _ADAM,
    ),
    Variation(
        "first-power-of-two",
        "mistake",
        "beta1**2 stands where beta1**t belongs",
        "The correction is that of the second step for ever. Later steps are 1 / (1 - beta1**2) times too long.",
        "npfl114#79 (lecture slides)",
        (_first("1 - beta1**2"),),
        _ADAM,
    ),
    Variation(
        "second-power-of-two",
        "mistake",
        "beta2**2 stands where beta2**t belongs",
        "The correction is that of the second step for ever. Later steps are sqrt(1 - beta2**2) times what they should "
        "be.",
        "npfl114#79 (lecture slides)",
        (_second("1 - beta2**2"),),
        _ADAM,
    ),
    Variation(
        "power-of-two",
        "mistake",
        "beta**2 stands where beta**t belongs, twice",
        "Both corrections are those of the second step for ever. The rate settles at another value than the one that "
        "was set.",
        "npfl114#79 (lecture slides)",
        (_first("1 - beta1**2"), _second("1 - beta2**2")),
        _ADAM,
    ),
)

VARIATIONS = (*COUNTERS, *POWERS)
