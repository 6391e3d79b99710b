from __future__ import annotations

from thalweg.formulas.losses import huber
from thalweg.formulas.rules import adam


def test_a_formula_is_lowered_once_whatever_its_numbers():
    assert adam.kernel_text("float64") is adam(learning_rate=0.5).kernel_text("float64")
    assert huber.kernel_text("float32") is huber(delta=2.0).kernel_text("float32")
    assert adam.kernel_text("float64") is not adam.kernel_text("float32")
