from __future__ import annotations

import json
import math
import pickle

import numpy as np
import pytest

from thalweg.errors import FormulaError, LimitError, SettingError
from thalweg.formulas import catalog
from thalweg.formulas.formula import Rule, rule
from thalweg.formulas.ledger_text import notes, text
from thalweg.formulas.rules import adadelta, adam, adamax, ftrl, gradient_descent, momentum, radam, rmsprop

RULES = catalog.rules()
BETA = 0.75


def softened(x, *, by=1e-3):
    size = np.abs(x)
    return x / (size + by)


def kept(slot, g, share):
    return share * slot + (1 - share) * softened(g * 2, by=1e-2)


@rule(starts={"s": 0.5})
def everything(theta, g, t, m, s, *, learning_rate=0.1, limit=2):
    """All that the language has, in one rule."""
    early = (t < 3 and limit > 1) or not t > 2
    factor = (math.exp(-t) if early else max(1 / t, 0.1)) * -(0 - 1)
    m, s = kept(m, g, BETA), s + m * m  # the old m
    large = (np.abs(g) > 1) & ~(m < 0) | np.isfinite(s)
    step = np.where(large, m / np.sqrt(s + 1e-8), +m) ** 2 * np.sign(m)
    theta = theta - factor * learning_rate * step
    return theta, m, s


@rule
def bare(theta, g, t, *, learning_rate=0.1):
    return theta - learning_rate / t * g


def drawn(dtype: type, steps: int = 40, size: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(7)
    g = random.standard_normal((steps, size)) * 10.0 ** random.integers(-6, 3, (steps, size))
    g[::5] = 0.0
    return g.astype(dtype), random.standard_normal(size).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("one", [*RULES.values(), everything, bare], ids=lambda r: r.name)
def test_has_the_bits_of_the_step(one: Rule, dtype: type):
    gradients, start = drawn(dtype)
    factors = np.linspace(1.0, 0.25, len(gradients)) if one.has_learning_rate else None
    told = one.explain(gradients, start, factors=factors)
    theta, state = start, one.init(start)
    for k, g in enumerate(gradients):
        before = theta
        theta, state = one.step(theta, g, state, k + 1, 1.0 if factors is None else float(factors[k]))
        for name, slot in zip(("theta", *one.slots), (theta, *state), strict=True):
            after = told.values(name)[k]
            assert after.dtype == dtype
            np.testing.assert_array_equal(after, slot)
        np.testing.assert_array_equal(told.values("theta moved by")[k], theta - before)


@pytest.mark.parametrize("one", RULES.values(), ids=lambda r: r.name)
def test_is_told_in_the_words_of_the_formula_within_80_columns(one: Rule):
    told = one.explain([0.1, -0.2, 0.3])
    shown = text(told)
    assert max(len(line) for line in shown.splitlines()) <= 80
    flat = " ".join(shown.split())
    source = " ".join(one.text.split())
    for line in told.lines:
        assert line.text in flat
        assert line.text in source.replace("( ", "(").replace(", )", ")")
    for row in told.rows:
        if row.kind == "part":
            assert row.text in source


def test_every_part_is_the_number_that_it_says():
    told = adam(learning_rate=0.5).explain([0.1, -0.2], theta=2.0)
    m, v = 0.9 * (1 - 0.9) * 0.1, 0.999 * (1 - 0.999) * 0.1 * 0.1
    assert told.values("beta1 * m")[1, 0] == m
    assert told.values("beta2 * v")[1, 0] == v
    assert told.values("(1 - beta1) * g")[1, 0] == (1 - 0.9) * -0.2
    assert told.values("1 - beta1**t").tolist() == [1 - 0.9, 1 - 0.9**2]
    assert told.values("rate").tolist() == [0.5 / (1 - 0.9), 0.5 / (1 - 0.9**2)]
    assert told.values("scale * np.sqrt(v) + epsilon")[0, 0] == pytest.approx(0.1 + 1e-8, rel=1e-15)


@pytest.mark.parametrize(
    ("one", "name", "share"),
    [
        (adam, "epsilon's share", 1e-8 / (1e-6 + 1e-8)),  # outside the root, after the correction
        (rmsprop, "epsilon's share", 1e-8 / (math.sqrt(0.1) * 1e-6 + 1e-8)),
        (adamax, "epsilon's share", 1e-8 / (1e-6 + 1e-8)),
        (adadelta, "epsilon's share", 1e-6 / (0.1 * 1e-12 + 1e-6)),
        (ftrl, "beta's share", 1 / (1 + 1e-6)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_share_of_epsilon(one: Rule, name: str, share: float):
    assert one.explain([1e-6]).values(name)[0, 0] == pytest.approx(share, rel=1e-12)


def test_the_share_of_epsilon_within_a_root_is_that_of_the_root():
    @rule
    def inside(theta, g, t, v, *, learning_rate=0.1, eps=1e-8):
        v = v + g * g
        return theta - learning_rate * g / np.sqrt(v + eps), v

    told = inside.explain([1e-4])
    (under, root) = [row for row in told.rows if row.kind == "share"]
    assert (under.text, root.text) == ("eps's share", "eps's share of the root")
    assert under.values[0, 0] == pytest.approx(0.5)
    assert root.values[0, 0] == pytest.approx(1 - 1e-4 / math.sqrt(2e-8))


def test_a_number_written_into_a_denominator_is_a_guard_and_one_in_a_sum_is_none():
    shares = [row.text for row in everything.explain([1.0]).rows if row.kind == "share"]
    assert shares == ["by's share", "1e-8's share", "1e-8's share of the root"]


def test_only_the_side_that_is_taken_has_numbers():
    told = radam.explain(np.ones(8))
    (root,) = [row for row in told.rows if row.text == "np.sqrt(v)"]
    assert root.told.tolist() == [False] * 5 + [True] * 3
    assert told.values("np.sqrt(v) + epsilon if trusted else 1.0")[0, 0] == 1.0
    line = next(line for line in text(told).splitlines() if line.startswith("  np.sqrt(v) "))
    assert line.split()[1:] == ["-", "-", "-"]
    rows = {row["text"]: row["values"] for row in told.to_dict()["rows"]}
    assert rows["np.sqrt(v)"][:5] == [None] * 5


def test_lines_of_helpers_stand_before_the_line_that_calls_them():
    told = everything.explain([1.0])
    inside = [line.inside for line in told.lines]
    first = inside.index("softened")
    assert inside[first : first + 3] == ["softened", "softened", "kept"]
    assert told.lines[first + 3].text == "m, s = kept(m, g, BETA), s + m * m"
    assert told.values("size")[0, 0] == 2.0


def test_an_update_in_the_midst_of_a_run_is_the_same_as_in_the_run():
    gradients, start = drawn(np.float64)
    whole = adam.explain(gradients, start)
    part = adam.explain(gradients, start, steps=(11, 12))
    assert part.times.tolist() == [11, 12]
    for mine, theirs in zip(part.rows, whole.rows, strict=True):
        np.testing.assert_array_equal(mine.values, theirs.values[10:12])
    state = np.stack([whole.values("m")[9], whole.values("v")[9]])
    again = adam.explain(gradients[10:12], whole.values("theta")[9], state=state, t=11)
    np.testing.assert_array_equal(again.values("theta"), part.values("theta"))


def test_as_data_it_is_json_and_holds_all_of_it():
    told = momentum.explain([[1.0, 2.0], [3.0, 4.0]])
    data = json.loads(json.dumps(told.to_dict(), allow_nan=False))
    assert data["t"] == [1, 2]
    assert data["hyperparameters"] == {"learning_rate": 0.01, "momentum": 0.9}
    assert [line["text"] for line in data["lines"]] == [
        "velocity = momentum * velocity + g",
        "return theta - learning_rate * velocity, velocity",
    ]
    lines = momentum.text.splitlines()
    numbers = [line["number"] - momentum._source.first_line for line in data["lines"]]
    assert [lines[k].strip() for k in numbers] == [line["text"] for line in data["lines"]]
    rows = {(row["kind"], row["text"]): row["values"] for row in data["rows"]}
    assert rows["value", "velocity"] == [[1.0, 2.0], [3.9, 5.8]]
    overflow = rmsprop(epsilon=0).explain([0.0]).to_dict()
    assert overflow["rows"][-1]["values"] == [["nan"]]
    json.dumps(overflow, allow_nan=False)


def test_a_glance_is_the_first_table_and_how_much_more_there_is():
    told = momentum.explain(np.arange(1.0, 9.0))
    assert repr(told).splitlines()[-1] == "updates 1 to 3 of 8; print() shows all"
    assert str(told).startswith("\n".join(repr(told).splitlines()[:-2]))
    assert str(told).count("t = ") == 8
    assert "print()" not in repr(momentum.explain([1.0, 2.0]))


def test_a_slot_that_is_handed_on_has_its_numbers_too():
    @rule
    def idle(theta, g, t, m, *, learning_rate=0.1):
        theta = theta * (1 - learning_rate)
        return theta - learning_rate * g, m

    told = idle.explain([1.0, 2.0], theta=2.0, state=[[3.0]])
    assert told.values("m").ravel().tolist() == [3.0, 3.0]
    assert told.values("theta")[0, 0] == 2.0 * 0.9 - 0.1
    assert told.values("theta moved by")[0, 0] == told.values("theta")[0, 0] - 2.0


def test_a_copy_of_a_rule_and_a_rule_of_text_are_told_as_well():
    again = pickle.loads(pickle.dumps(adam(beta1=0.5)))  # noqa: S301 - our own
    assert again.explain([1.0]).to_dict() == adam(beta1=0.5).explain([1.0]).to_dict()
    text_rule = rule("def plain(theta, g, t, *, learning_rate=0.5):\n    return theta - learning_rate * g\n")
    assert text_rule.explain([2.0]).values("learning_rate * g")[0, 0] == 1.0


def test_numbers_in_common_are_explained():
    said = notes(adam.explain([1.0]))
    assert any(line.startswith("1 - beta1**t: ") for line in said)
    assert any(line.startswith("epsilon's share: ") for line in said)
    assert notes(adam.explain([1.0]))[-1].endswith("here 1e-06 %: too little to matter")
    assert notes(adam.explain([1e-8, 1e-6]))[-1].endswith("here 1.39 % to 50 %")
    assert notes(adam.explain([1e-9]))[-1].endswith("here 90.9 %: it decides how long steps are")
    assert notes(rmsprop(epsilon=0).explain([0.0]))[-1].endswith("makes up")
    named = [line.partition(":")[0] for line in notes(RULES["adan"].explain([1.0]))]
    assert {"of_mean", "of_change", "scale", "1 - beta3**t"} <= set(named)
    said = notes(adadelta.explain([0.1, 0.2]))
    assert [line.partition(";")[0] for line in said] == [
        "epsilon's share: how much of delta + epsilon it makes up",
        "epsilon's share: how much of s + epsilon it makes up",
    ]
    assert not any(line.startswith(("m:", "beta1 * m:")) for line in said)


def test_float32_stays_float32_beside_a_plain_number():
    assert adam.explain(np.ones(2, np.float32), 1.0).values("m").dtype == np.float32
    assert adam.explain(np.ones(2, np.float32), [1.0]).values("m").dtype == np.float64


@pytest.mark.parametrize(
    ("arguments", "named", "code"),
    [
        ({"gradients": []}, "gradients", "SETTING-SHAPE"),
        ({"gradients": np.ones((2, 2, 2))}, "gradients", "SETTING-SHAPE"),
        ({"gradients": ["a"]}, "gradients", "SETTING-TYPE"),
        ({"gradients": [1.0, math.nan]}, "gradients", "SETTING-RANGE"),
        ({"gradients": [1.0], "theta": [1.0, 2.0]}, "theta", "SETTING-SHAPE"),
        ({"gradients": [1.0], "theta": math.inf}, "theta", "SETTING-RANGE"),
        ({"gradients": [1.0], "theta": "a"}, "theta", "SETTING-TYPE"),
        ({"gradients": [1.0], "state": [[1.0]]}, "state", "SETTING-SHAPE"),
        ({"gradients": [1.0], "factors": [1.0, 2.0]}, "factors", "SETTING-SHAPE"),
        ({"gradients": [1.0], "steps": (1, 2)}, "steps", "SETTING-RANGE"),
        ({"gradients": [1.0], "steps": (0, 1)}, "steps", "SETTING-RANGE"),
    ],
)
def test_what_cannot_be_told_is_answered(arguments, named, code):
    with pytest.raises(SettingError) as refused:
        adam.explain(**arguments)
    assert (refused.value.code, refused.value.where) == (code, named)
    assert len(str(refused.value).splitlines()) <= 5


def test_a_learning_rate_that_moves_is_told_with_each_update():
    told = momentum(learning_rate=0.5).explain([1.0, 1.0, 1.0], factors=[1.0, 0.5, 0.25])
    assert told.values("learning_rate").tolist() == [0.5, 0.25, 0.125]
    assert str(told).splitlines()[1].split() == ["learning_rate", "0.5", "0.25", "0.125"]
    assert told.size == 1
    assert "learning_rate" not in {row.text for row in momentum.explain([1.0]).rows}


def test_scalars_without_a_value_are_answered_with_the_line():
    def late(t):
        return 1 / (t - 2)

    @rule
    def stops(theta, g, t, *, learning_rate=0.1):
        factor = late(t)
        return theta - learning_rate * factor * g

    with pytest.raises(FormulaError, match=r"in late: the formula fails at t = 2: .*division by zero") as refused:
        stops.explain([1.0, 1.0])
    assert "return 1 / (t - 2)" in str(refused.value)
    assert stops.explain([1.0], t=3).values("theta")[0, 0] == 0.9


def test_factors_need_a_learning_rate():
    with pytest.raises(SettingError, match="no learning rate"):
        RULES["rprop"].explain([1.0], factors=[0.5])


def test_too_many_numbers_are_refused_before_they_are_made():
    with pytest.raises(LimitError, match="at most"):
        adam.explain(np.zeros((1000, 1000)))
    assert gradient_descent.explain(np.zeros((1000, 1000)), steps=(3, 4)).steps == 2
