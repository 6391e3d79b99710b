"""What the doctor has to find, and where it must not find anything."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from tests.check.planting import acts, named, numbers_of, planted, tape_for

from thalweg.check.catalogue.entries import entries, fitting, joining
from thalweg.check.catalogue.textbook import names
from thalweg.check.hypothesis import Hypothesis, combined
from thalweg.check.search import explain
from thalweg.check.tape import EQUAL_SHAPES, Tape, standard
from thalweg.check.trajectory import Trajectory, distance, play, play_rule
from thalweg.errors import SettingError
from thalweg.formulas.catalog import rules

GOLDEN = Path(__file__).parents[1] / "golden"
ADAM = {"learning_rate": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
RULES = names()


def adam_as_printed(theta, g, state, t):
    """Seed 002: the second moment corrected with beta1, epsilon inside the root."""
    v, s = state
    v = 0.9 * v + (1 - 0.9) * g
    s = 0.999 * s + (1 - 0.999) * np.square(g)
    v_corrected = v / (1 - np.power(0.9, t))
    s_corrected = s / (1 - np.power(0.9, t))
    return theta - 0.01 * v_corrected / np.sqrt(s_corrected + 1e-8), (v, s)


def printed_path(tape=None):
    return play(adam_as_printed, tape or standard().steady(), state=(0.0, 0.0))


@pytest.mark.parametrize("known", [ADAM, {"learning_rate": 0.01}, {}], ids=["all", "rate", "none"])
def test_seed_002_is_named_exactly(known):
    verdict = explain(printed_path(), standard().steady(), known, "adam")
    assert (verdict.kind, verdict.rule) == ("wrong", "adam")
    assert [f.code for f in verdict.mistakes] == ["second-corrected-with-beta1"]
    assert [f.code for f in verdict.conventions] == ["epsilon-inside-root"]
    assert verdict.numbers == pytest.approx(ADAM)
    assert verdict.how_much == "steps are 10.0 times too long at t = 1, 8.1 at t = 10, 3.2 at t = 100"
    assert verdict.parts_at == 1
    assert verdict.mistakes[0].found == "v_hat = v / (1 - beta1 ** t)"
    assert verdict.residual < 1e-9 < verdict.runner_up.residual


def test_what_is_searched_for_is_the_adam_that_seed_002_prints():
    file = json.loads((GOLDEN / "s002_update_rules.json").read_text(encoding="utf-8"))
    (check,) = (c for c in file["checks"] if c["name"] == "adam_as_printed_A")
    gradients = np.array(file["inputs"]["gradients_A"])
    tape = Tape(np.array(file["hyperparameters"]["theta0"]), gradients, np.ones(len(gradients)), ((2,),))
    np.testing.assert_allclose(printed_path(tape).thetas[1:], check["expected"], rtol=1e-9)
    explained = Hypothesis("adam", ("second-corrected-with-beta1", "epsilon-inside-root"))
    np.testing.assert_allclose(explained.trajectory(ADAM, tape).thetas[1:], check["expected"], rtol=1e-9)


@pytest.mark.parametrize("code", sorted(code for code, entry in entries().items() if not entry.some_arrays))
def test_single_variations_are_named(code):
    rule = next(rule for rule in RULES if entries()[code] in fitting(rule) and acts(planted(rule, code)))
    assert named(planted(rule, code))[0]


@pytest.mark.parametrize("code", [code for code, entry in entries().items() if entry.beside])
def test_guards_that_a_right_rule_never_needs_change_nothing_alone(code):
    guarded = [Hypothesis(rule, (code,)) for rule in RULES if entries()[code] in fitting(rule)]
    assert [h.rule for h in guarded if acts(h)] == []
    assert entries()[code].kind == "convention"


@pytest.mark.deep
@pytest.mark.parametrize("hint", [True, False])
@pytest.mark.parametrize("rule", RULES)
def test_every_variation_of_every_rule_is_named(rule, hint):
    entries_of = (entry for entry in fitting(rule) if not entry.some_arrays)
    made = [h for h in (Hypothesis(rule, (entry.code,)) for entry in entries_of) if acts(h)]
    answers = [named(h, hint=hint) for h in made if hint or moves(h)]
    assert [text for right, text in answers if not right] == []


def moves(hypothesis):
    return bool(hypothesis.trajectory(numbers_of(hypothesis), tape_for(hypothesis)).moves.any())


def test_what_never_moves_is_named_only_where_the_rule_is_known():
    """AdaDelta without epsilon in the numerator multiplies by the length of its steps so far, which is zero."""
    stuck = Hypothesis("adadelta", ("numerator-without-epsilon",))
    assert not moves(stuck)
    path, tape, numbers = stuck.trajectory(numbers_of(stuck), tape_for(stuck)), tape_for(stuck), numbers_of(stuck)
    assert explain(path, tape, numbers, "adadelta").codes == {"numerator-without-epsilon"}
    assert explain(path, tape, numbers, None).note == "theta never moves"


def test_what_is_no_number_at_once_is_named_only_where_the_rule_is_known():
    """What is undefined from the first step on agrees with whatever else is."""
    lost = Hypothesis("adam", ("counted-from-zero",))
    path, tape, numbers = lost.trajectory(numbers_of(lost), tape_for(lost)), tape_for(lost), numbers_of(lost)
    assert not np.any(np.isfinite(path.thetas[1]))
    assert explain(path, tape, numbers, "adam").codes == {"counted-from-zero"}
    assert explain(path, tape, numbers, None).note == "theta is no number after a step"


def share_of_pairs_named(seed, count, *, hint):
    draw = random.Random(seed)  # noqa: S311 - no secret
    of_all = {rule: [e for e in (*fitting(rule), *joining(rule)) if not e.some_arrays] for rule in RULES}
    firsts = [Hypothesis(rule, (e.code,)) for rule in RULES for e in of_all[rule] if e in fitting(rule)]
    pairs = [h for first in firsts for h in first.extended(of_all[first.rule])]
    answers = [named(h, hint=hint) for h in draw.sample(pairs, count) if acts(h)]
    return sum(right for right, _ in answers) / len(answers)


def test_pairs_are_named():
    assert share_of_pairs_named(2, 16, hint=True) >= 0.95


@pytest.mark.deep
@pytest.mark.parametrize("hint", [True, False])
def test_many_pairs_are_named(hint):
    assert share_of_pairs_named(3, 400, hint=hint) >= 0.95


def test_three_mistakes_are_named_by_the_numbers_of_their_rule():
    """Steps that are far too long are as far from every rule: which numbers the code has tells where to look."""
    assert named(combined("adamw", ("first-not-kept", "first-multiplied", "multiplied-by-root")), hint=False)[0]


def drawn(draw, name):
    """Draw a hyperparameter over the range in which it is used; None keeps the default."""
    if name in ("learning_rate", "initial_step"):
        return 10 ** draw.uniform(-4, 0)
    if name in ("beta2", "beta3", "rho"):
        return 1 - 10 ** draw.uniform(-4, -0.5)
    if name in ("beta1", "momentum"):
        return 1 - 10 ** draw.uniform(-2.5, -0.2)
    ranges = {"epsilon": (-12, -4), "weight_decay": (-4, -1)}
    return 10 ** draw.uniform(*ranges[name]) if name in ranges else None


def drawn_rule(draw):
    rule = rules()[draw.choice(sorted(rules()))]
    numbers = {name: drawn(draw, name) for name in rule.hyperparameters}
    return rule(**{name: value for name, value in numbers.items() if value is not None})


def verdicts_on_own_rules(seed, count, *, known):
    draw = random.Random(seed)  # noqa: S311 - no secret
    for k in range(count):
        rule, tape = drawn_rule(draw), standard() if k % 2 else standard().steady()
        hint = rule.name if draw.random() < 0.5 else None
        numbers = rule.hyperparameters if known else {}
        yield rule, explain(play_rule(rule, tape), tape, numbers, hint)


def test_no_rule_of_ours_is_called_wrong():
    answers = list(verdicts_on_own_rules(5, 200, known=True))
    assert [repr(rule) for rule, verdict in answers if verdict.kind not in ("right", "same")] == []


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(5))
def test_no_rule_of_ours_is_called_wrong_in_many_cases(seed):
    answers = list(verdicts_on_own_rules(100 + seed, 200, known=True))
    assert [repr(rule) for rule, verdict in answers if verdict.kind not in ("right", "same")] == []


@pytest.mark.deep
def test_without_any_numbers_nothing_right_is_called_wrong_and_most_is_found():
    answers = list(verdicts_on_own_rules(7, 100, known=False))
    assert [repr(rule) for rule, verdict in answers if verdict.kind == "wrong"] == []
    assert sum(verdict.kind in ("right", "same") for _, verdict in answers) >= 80


def test_rules_in_float32_are_right():
    tape = standard().steady()
    for name in ("momentum", "adam", "adagrad", "rmsprop", "adadelta", "lion"):
        rule = rules()[name]
        theta = tape.theta0.astype(np.float32)
        thetas, state = [theta], rule.init(theta)
        for t, g in enumerate(tape.gradients.astype(np.float32), start=1):
            theta, state = rule.step(theta, g, state, t)
            thetas.append(theta)
        verdict = explain(Trajectory(np.stack(thetas)), tape, rule.hyperparameters, name)
        assert (verdict.kind, verdict.rule) == ("right", name)


def test_usual_forms_are_the_same_method_with_other_numbers():
    tape = standard().steady()

    def average(theta, g, velocity, t):
        velocity = 0.9 * velocity + 0.1 * g
        return theta - 0.1 * velocity, velocity

    def ahead(theta, g, velocity, t):
        before, velocity = velocity, 0.9 * velocity - 0.01 * g
        return theta - 0.9 * before + 1.9 * velocity, velocity

    def folded(theta, g, state, t):
        m, v = 0.9 * state[0] + 0.1 * g, 0.999 * state[1] + 0.001 * g * g
        rate = 0.001 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        return theta - rate * m / (np.sqrt(v) + 1e-7), (m, v)

    by_average = explain(play(average, tape, state=0.0), tape, {"learning_rate": 0.1, "momentum": 0.9}, "momentum")
    by_sutskever = explain(play(ahead, tape, state=0.0), tape, {"learning_rate": 0.01, "momentum": 0.9}, "nesterov")
    by_keras = explain(play(folded, tape, state=(0.0, 0.0)), tape, {}, "adam")
    assert by_average.mapping["torch"] == "torch.optim.SGD(lr=0.01, momentum=0.9)"
    assert (by_sutskever.kind, by_sutskever.rule, by_sutskever.residual < 1e-8) == ("right", "nesterov", True)
    assert (by_keras.kind, by_keras.codes) == ("same", {"epsilon-hat"})
    assert by_keras.mapping["keras"].endswith("beta_1=0.9, beta_2=0.999, epsilon=1e-07)")


def test_right_rule_with_another_rate_than_told_is_the_same_method():
    tape = standard().steady()
    verdict = explain(play_rule(rules()["adam"](learning_rate=0.05), tape), tape, ADAM, "adam")
    assert verdict.kind == "same"
    assert verdict.note == "learning_rate acts as 0.05, not 0.01"


def test_unknown_rules_get_their_properties_and_no_guess():
    tape = standard().steady()

    def cube_root(theta, g, velocity, t):
        velocity = 0.7 * velocity + np.cbrt(g)
        return theta - 0.01 * np.arctan(velocity), velocity

    verdict = explain(play(cube_root, tape, state=0.0), tape, {"learning_rate": 0.01})
    assert (verdict.kind, verdict.rule) == ("unknown", None)
    assert verdict.runner_up.residual > 1e-3
    assert verdict.properties == {
        "finite": True, "fixed_point": True, "memory": True, "scale_invariant": False, "proportional": False,
        "sign_symmetric": True, "per_coordinate": True,
    }  # fmt: skip


def test_a_rule_under_another_name_is_said_to_be_so():
    tape = standard()
    verdict = explain(play_rule(rules()["adagrad"], tape), tape, rules()["adagrad"].hyperparameters, "rmsprop")
    assert (verdict.kind, verdict.rule) == ("right", "adagrad")
    assert "the name promises rmsprop" in verdict.note


def test_textbook_does_what_the_library_does():
    tape = standard()
    for name in RULES:
        theirs = play_rule(rules()[name], tape)
        assert distance(Hypothesis(name).trajectory({}, tape), theirs).residual < 1e-9, name
    assert set(RULES) == set(rules())


def test_catalogue_is_complete_and_every_entry_fits_a_rule():
    used = {entry.code for rule in RULES for entry in fitting(rule)}
    assert used == set(entries())
    assert {entry.beside for entry in entries().values()} <= {"", *used}
    assert sum(entry.kind == "mistake" for entry in entries().values()) >= 60
    for entry in entries().values():
        assert [rule for rule in entry.rules if entry not in (*fitting(rule), *joining(rule))] == [], entry.code
        assert entry.source
        assert 1 <= entry.explanation.count(".") <= 12
        assert entry.explanation.endswith(".")


@pytest.mark.parametrize("rule", ["adadelta", "adam", "momentum", "nadam"])
def test_whatever_goes_with_one_memory_for_all_arrays_can_be_played(rule):
    tape = standard().shaped(*EQUAL_SHAPES)
    for hypothesis in Hypothesis(rule, ("one-state-for-all-arrays",)).extended():
        columns = {"learning_rate": np.array([[0.1], [0.2]])}
        assert hypothesis.moves(columns, tape, 3).shape[-2:] == (3, tape.size), hypothesis.codes


def test_wrong_questions_are_answered():
    tape = standard()
    with pytest.raises(SettingError, match="TAPE-SHAPE"):
        explain(Trajectory(np.zeros((3, 2))), tape)
    with pytest.raises(SettingError, match="SETTING-UNKNOWN"):
        explain(Trajectory(np.zeros((25, 24))), tape, hint="adamm")
