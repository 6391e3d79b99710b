"""The size of a mistake's effect, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thalweg.check.wording.phrases import EffectWords

if TYPE_CHECKING:
    from thalweg.check.verdict import Effect

_NEAR = 5e-3
_USUAL = 0.5  # the gradient that is not mentioned


def said_of(effect: Effect, words: EffectWords) -> str:
    """Say how long steps are, against those of the right rule.

    Examples
    --------
    >>> from thalweg.check.verdict import Effect
    >>> from thalweg.check.wording.english import ENGLISH
    >>> said_of(Effect(0.5, ((1, 10.0), (10, 8.1), (100, 3.2))), ENGLISH.effects)
    'steps are 10.0 times too long at t = 1, 8.1 at t = 10, 3.2 at t = 100'
    """
    if effect.no_number_from is not None:
        said = words.no_number.format(t=effect.no_number_from)
    elif not effect.ratios:
        return words.on_changing
    elif all(ratio < 0 for _, ratio in effect.ratios):
        said = words.uphill
    else:
        said = words.steps.format(parts=words.between.join(_parts(effect, words)))
    return said if effect.gradient == _USUAL else words.with_gradients.format(said=said, size=effect.gradient)


def _parts(effect: Effect, words: EffectWords) -> list[str]:
    """Return what is said of each step; what was just said is not repeated."""
    parts, before = [], ""
    for t, ratio in effect.ratios:
        if abs(ratio - 1) < _NEAR:
            template = words.right_at
        elif ratio <= 0:
            template = words.uphill_at if ratio < 0 else words.nothing_at
        else:
            template = words.too_long if ratio > 1 else words.too_short
        again = {words.too_long: words.too_long_again, words.too_short: words.too_short_again}
        amount = _amount(max(ratio, 1 / ratio)) if ratio > 0 else ""
        parts.append(
            (again[template] if template == before and template in again else template).format(t=t, ratio=amount)
        )
        before = template
    return parts


def _amount(ratio: float) -> str:
    if ratio < 1.05:  # 1.0 times would say nothing
        return f"{ratio:.2f}"
    return f"{ratio:.1f}" if ratio < 1e4 else f"{ratio:.1e}"
