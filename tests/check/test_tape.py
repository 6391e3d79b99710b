import itertools

import numpy as np
import pytest

from thalweg.check.tape import ASLEEP, LATE, MIRROR, TWINS, standard
from thalweg.check.trajectory import Trajectory, differences, distance, play, play_rule
from thalweg.errors import SettingError
from thalweg.formulas.catalog import rules


def test_tape_has_what_the_search_relies_on():
    tape = standard()
    g = tape.gradients
    for smaller, larger in itertools.pairwise(TWINS):
        np.testing.assert_allclose(g[:, larger], 100 * g[:, smaller], rtol=1e-14)
    np.testing.assert_array_equal(g[:, MIRROR[0]], -g[:, MIRROR[1]])
    assert not g[:, ASLEEP].any()
    assert tape.theta0[ASLEEP] != 0
    assert all(not g[:3, late].any() and g[:, late].any() for late in LATE)
    assert tape.moves_rate
    assert not tape.steady().moves_rate


def test_split_and_join_are_inverse_and_split_gives_copies():
    tape = standard()
    parts = tape.split(tape.theta0)
    np.testing.assert_array_equal(tape.join(parts), tape.theta0)
    parts[0][:] = 99
    assert not (tape.theta0 == 99).any()


def test_shapes_that_do_not_fit_are_answered():
    with pytest.raises(SettingError, match="TAPE-SHAPE"):
        standard().shaped((3, 3))
    with pytest.raises(SettingError, match="TAPE-SHAPE"):
        distance(Trajectory(np.zeros((3, 2))), Trajectory(np.zeros((4, 2))))


def test_every_rule_of_ours_is_told_from_every_other_one_but_the_known_twins():
    tape = standard()
    paths = {name: play_rule(rule, tape) for name, rule in rules().items()}
    close = {(a, b) for a in paths for b in paths if a < b and distance(paths[a], paths[b]).residual < 1e-4}
    assert close == set()


def test_two_orders_of_the_same_sum_are_no_difference_but_a_changed_epsilon_is():
    rule, tape = rules()["adam"], standard().steady()

    def by_hand(theta, g, state, t):
        m, v = (0.9 * old + (1 - 0.9) * new for old, new in zip(state, (g, 0), strict=True))
        v = state[1] - (1 - 0.999) * (state[1] - g**2)
        step = 1e-3 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        return theta - step, (m, v)

    path = play(by_hand, tape, state=(0 * tape.theta0, 0 * tape.theta0))
    assert distance(play_rule(rule, tape), path).residual < 1e-9
    assert distance(play_rule(rule(epsilon=2e-8), tape), path).residual > 1e-2


def test_values_that_are_no_numbers_are_evidence():
    seen = Trajectory(np.array([[0.0, 0.0], [np.nan, 1.0]]))
    same = differences(np.array([[np.nan, 1.0]]), seen)
    other = differences(np.array([[1.0, 1.0]]), seen)
    assert same.tolist() == [[0.0, 0.0]]
    assert other[0, 0] == np.inf


def test_arithmetic_in_float32_is_recognised():
    path = play_rule(rules()["adam"], standard())
    assert path.unit < 1e-15
    assert Trajectory(path.thetas.astype(np.float32)).unit > 1e-8
