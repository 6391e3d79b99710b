"""Functions and settings that `minimize` takes and refuses."""

from __future__ import annotations

import pytest

from thalweg.descent.minimize import minimize
from thalweg.errors import SettingError
from thalweg.formulas.losses import squared
from thalweg.formulas.surfaces import rosenbrock

FUNCTIONS = {
    "jac": ({"jac": "2-point"}, "jac: must be a function, True or None, got '2-point'"),
    "fun": ({"fun": 3}, "fun: must be a function or a Surface, got 3"),
    "schedule": ({"schedule": "cosine"}, "schedule: must be of kind Schedule, got str 'cosine'"),
    "optimizer": ({"optimizer": squared}, "optimizer: must be of kind Rule, got Loss"),
}


@pytest.mark.parametrize(("given", "answer"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_minimize_refuses_what_it_cannot_use(given, answer):
    with pytest.raises(SettingError, match=answer):
        minimize(**{"fun": rosenbrock, "x0": [0.0, 0.0], "max_iter": 1, **given})


def test_minimize_passes_a_single_argument_on():
    result = minimize(lambda x, a: float((x - a) @ (x - a)), [5.0], args=2.0, max_iter=1)
    assert result.jac.tolist() == pytest.approx([6.0], abs=0.01)


def test_a_callback_stops_the_way_it_does_in_scipy():
    def enough(reached):
        if reached.nit == 3:
            raise StopIteration

    result = minimize(rosenbrock, max_iter=10, callback=enough)
    assert (result.status, result.nit, result.success) == (3, 3, False)
