from __future__ import annotations

import numpy as np

from thalweg.check.hypothesis import combined
from thalweg.check.tape import standard


def test_one_memory_for_all_arrays_goes_with_a_slot_that_is_never_stored():
    tape = standard().steady().shaped((3, 4), (12,))
    made = combined("adadelta", ("delta-not-kept", "one-state-for-all-arrays"))
    assert made is not None
    moves = made.moves({"rho": 0.9, "epsilon": 1e-6}, tape)

    s, expected = np.zeros(12), []
    for gradient in tape.gradients:
        row = []
        for g in (gradient[:12], gradient[12:]):
            s = 0.9 * s + 0.1 * g**2
            row.append(-np.sqrt(1e-6) / np.sqrt(s + 1e-6) * g)
        expected.append(np.concatenate(row))
    np.testing.assert_allclose(moves, expected, rtol=1e-9, atol=1e-14)
