"""The names that the generated loops use themselves."""

from __future__ import annotations

import re

# Names that the generated loops use themselves; a formula's own variable of that name gets an underscore.
RESERVED = frozenset(
    # of the update, the losses, the penalties, the activations
    "params grad state hyper rates lanes i row column start stop total weight weights targets scores slopes rows "
    "factor sums kind bias target inputs units deltas size sizes columns costs "
    # of the loop fused for one sample a step
    "features k sample x X orders trace factors slope epoch place near width at fetch "
    # of the same loop over many lanes
    "c xj j own block blocks lane count intercept hidden "
    # of the update of some coordinates alone
    "scales places grads pull squares resting "
    # what they call
    "np math range max min abs float dot fma power exp tanh log1p sign correction_over".split()
)
_GENERATED = re.compile(r"c\d+|x\d+|square\d+|correction\d+(_over)?|\w+_row|loss_\w+|flat_\w+")


def reserved(name: str) -> bool:
    """Tell whether a generated loop may use this name itself."""
    return name in RESERVED or _GENERATED.fullmatch(name) is not None
