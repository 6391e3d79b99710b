"""The language of formulas: every mistake of an author is answered when the decorator runs, on the author's line."""

from __future__ import annotations

import importlib.util
import math
import pickle
import re
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from tests.formulas.authors_mistakes import DECLARED, IN_HELPERS, IN_RULES, Mistake

from thalweg.errors import FormulaError, SettingError, ThalwegError
from thalweg.formulas.formula import Penalty, Rule, activation, loss, penalty, rule
from thalweg.formulas.reserved import RESERVED
from thalweg.formulas.trial import POINTS

HEAD = """from __future__ import annotations
import math
import numpy as np
from thalweg.formulas.formula import activation, loss, penalty, rule, schedule

"""


def load(text: str, folder: Path, name: str = "users_formulas") -> ModuleType:
    """Run a text as the module of a user."""
    file = folder / f"{name}.py"
    file.write_text(HEAD + text, encoding="utf-8")
    specification = importlib.util.spec_from_file_location(name, file)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "mistake",
    [
        pytest.param(m, id=f"{where}: {m}")
        for where, ms in [("body", IN_RULES), ("helper", IN_HELPERS), ("head", DECLARED)]
        for m in ms
    ],
)
def test_a_mistake_is_answered_when_the_decorator_runs_on_its_line(mistake: Mistake, tmp_path: Path) -> None:
    with pytest.raises(FormulaError) as caught:
        load(mistake.text, tmp_path)
    error = caught.value
    lines = (tmp_path / "users_formulas.py").read_text(encoding="utf-8").splitlines()
    (marked,) = (number for number, line in enumerate(lines, start=1) if line.endswith("# <-"))
    assert error.code == mistake.code
    assert f"users_formulas.py, line {marked}, in " in error.where
    assert mistake.says in str(error)
    assert lines[marked - 1].strip()[:40] in str(error), "the line is quoted"
    assert len(str(error).splitlines()) <= 6
    assert max(map(len, str(error).splitlines())) <= 200


@pytest.mark.parametrize("mistake", [m for m in IN_RULES if m.text.startswith("@rule")], ids=str)
def test_a_mistake_in_a_text_is_answered_with_the_line_of_the_text(mistake: Mistake) -> None:
    text = "\n    \n" + textwrap.indent(mistake.text.removeprefix("@rule\n"), "        ")
    with pytest.raises(FormulaError) as caught:
        rule(text)
    (marked,) = (number for number, line in enumerate(text.split("\n"), start=1) if line.endswith("# <-"))
    assert caught.value.code == mistake.code
    assert f"<formula>, line {marked}, in mine" in caught.value.where


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "got nothing"),
        ("   \n# only a remark\n", "got nothing"),
        ("x = 1", "got Assign"),
        ("lambda theta, g, t: theta", "got Expr"),
        ("class Mine: pass", "got ClassDef"),
        ("async def mine(theta, g, t): return theta", "got AsyncFunctionDef"),
        ("def mine(theta, g, t): return theta\nprint('hello')", "got FunctionDef, Expr"),
        ("def a(x): return x\ndef mine(theta, g, t): return theta", "got FunctionDef, FunctionDef"),
    ],
)
def test_a_text_that_is_not_one_function_is_refused(text: str, says: str) -> None:
    with pytest.raises(FormulaError, match="FORMULA-SOURCE") as caught:
        rule(text)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "default", ["__import__('os').getpid()", "np.load('x')", "[1][0]", "(lambda: 1)()", "max(1, 2)"]
)
def test_a_text_runs_no_code_in_its_defaults(default: str) -> None:
    with pytest.raises(FormulaError, match=r"FORMULA-SYNTAX.*a default is a number"):
        rule(f"def mine(theta, g, t, *, learning_rate={default}): return theta - learning_rate * g")


def test_a_text_may_reckon_its_defaults() -> None:
    made = rule(
        "def mine(theta, g, t, *, learning_rate=1/4, epsilon=2**-3): return theta - learning_rate * g + epsilon"
    )
    assert made.hyperparameters == {"learning_rate": 0.25, "epsilon": 0.125}


def test_a_syntax_error_in_a_text_names_its_line() -> None:
    with pytest.raises(FormulaError, match=r"FORMULA-SYNTAX.*<formula>, line 4:"):
        rule("\n\ndef mine(theta, g, t):\n    return theta -\n")


def answer_to(expression: str) -> str:
    try:
        rule(f"def mine(theta, g, t): return theta - {expression}")
    except FormulaError as error:
        return error.code if len(str(error)) < 1000 else "long-winded"
    return "none"


@pytest.mark.parametrize("sign", ["(", "-", "np.abs("])
def test_a_formula_nested_too_deeply_is_answered(sign: str) -> None:
    close = ")" if sign.endswith("(") else ""
    assert answer_to(sign * 20 + "g" + close * 20) == "none"
    assert answer_to(sign * 50_000 + "g" + close * 50_000) in ("FORMULA-LONG", "FORMULA-SYNTAX")


def test_a_long_sum_is_read_or_answered() -> None:
    assert answer_to(" + ".join(["g"] * 20_000)) in ("none", "FORMULA-LONG")


def test_a_lambda_is_refused() -> None:
    with pytest.raises(FormulaError, match=r"test_language.py, line \d+: .*got a lambda"):
        rule(lambda theta, g, t: theta - g)


@pytest.mark.parametrize("thing", [3, np.sqrt, print, ThalwegError], ids=repr)
def test_what_is_no_function_is_refused(thing: Any) -> None:
    with pytest.raises(FormulaError, match=r"FORMULA-SOURCE.*written with def"):
        rule(thing)


def test_a_function_without_text_is_told_what_to_do() -> None:
    scope: dict[str, Any] = {}
    exec("def made_by_exec(theta, g, t): return theta - g", scope)  # noqa: S102 - a function that has no file
    with pytest.raises(FormulaError, match=r"made_by_exec.*cannot be read") as caught:
        rule(scope["made_by_exec"])
    assert "pass its text as a string" in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 6


def test_a_default_out_of_range_is_refused() -> None:
    with pytest.raises(SettingError, match=r"beta1 of mine: must be in \[0, 1\), got 1.5"):
        rule("def mine(theta, g, t, *, beta1=1.5): return theta - beta1 * g")


# ---- what the language can say ---------------------------------------------------------------------------------------

THETA, G, M = np.array([1.0, -2.0, 0.5]), np.array([0.25, 3.0, -1.0]), np.array([2.0, 2.0, 4.0])


def step(made: Rule, t: float = 1.0) -> Any:
    theta, state = made.step(THETA, G, np.array([M] * len(made.slots)), t)
    return np.stack([theta, *state]) if made.slots else theta


def half(x, by=2):
    return x / by


def quarter(x):
    x = half(x)
    return half(x)


def difference_of_squares(a, b, *, scale=1.0):
    a, b = a + b, a - b
    return scale * a * b


def test_helpers_are_written_into_the_formula() -> None:
    @rule
    def mine(theta, g, t, m, *, learning_rate=0.5):
        half_x = half(g)
        mixed = difference_of_squares(half_x, quarter(m), scale=learning_rate) + half(m, by=8)
        a_new = half(half(theta), by=learning_rate)
        return theta - mixed, a_new + half_x

    # The very functions again, called as Python calls them.
    mixed = difference_of_squares(half(G), quarter(M), scale=0.5) + half(M, by=8)
    np.testing.assert_array_equal(step(mine), [THETA - mixed, half(half(THETA), by=0.5) + half(G)])
    assert "half(" not in mine.source()


def test_a_scalar_helper_is_computed_once_per_step() -> None:
    def warmed(rate, t):
        share = min(t / 4, 1.0)
        return rate * share

    @rule
    def mine(theta, g, t, *, learning_rate=0.5):
        return theta - warmed(learning_rate, t) * g

    np.testing.assert_array_equal(step(mine, 1.0), THETA - 0.125 * G)
    np.testing.assert_array_equal(step(mine, 8.0), THETA - 0.5 * G)
    loop = mine.source().split("for i in range")[1]
    assert "share" not in loop


def test_a_swap_reads_all_before_it_writes_any() -> None:
    @rule
    def mine(theta, g, t, m):
        g, m = m, g
        theta, g, m = g, m, theta
        return theta, m

    np.testing.assert_array_equal(step(mine), [M, THETA])


BASE = -2.0
WHOLE = 3
FLAG = True
SINGLE = np.float32(0.1)


def test_constants_from_outside_are_numbers_of_the_formula() -> None:
    @rule
    def mine(theta, g, t, m):
        return theta - BASE**2 * g + WHOLE * m, (m if FLAG else g) * SINGLE

    np.testing.assert_array_equal(step(mine), [THETA - 4.0 * G + 3 * M, M * float(SINGLE)])


def test_constants_of_mathematics_have_their_names() -> None:
    @rule
    def mine(theta, g, t):
        return theta * np.pi - g * math.e + np.where(g < np.inf, g, theta)

    np.testing.assert_array_equal(step(mine), THETA * math.pi - G * math.e + G)


def test_a_constant_is_frozen_when_the_decorator_runs() -> None:
    scale = 2.0

    def by(x):
        return x * scale

    @rule
    def mine(theta, g, t):
        return theta - scale * by(g)

    before = mine.fingerprint
    scale = 3.0
    np.testing.assert_array_equal(step(mine), THETA - 4.0 * G)
    assert mine.fingerprint == before
    assert "3.0" not in mine.source()


def test_what_a_formula_computes_is_its_fingerprint() -> None:
    def made(constant: float, by: int) -> Rule:
        def helper(x):
            return x / by

        @rule
        def mine(theta, g, t, *, learning_rate=0.1):
            return theta - learning_rate * constant * helper(g)

        return mine

    assert made(2.0, 3).fingerprint == made(2.0, 3).fingerprint
    assert len({made(c, b).fingerprint for c in (2.0, 3.0) for b in (3, 4)}) == 4


GENERATED = {"c0", "c1", "square1", "m_row", "loss_y", "flat_units", "i_", "own_i"}


@pytest.mark.parametrize("name", sorted((RESERVED | GENERATED) - {"np", "math"}))
def test_a_formula_may_use_any_name_that_its_loop_uses(name: str) -> None:
    by_hand = step(rule("def mine(theta, g, t, m): return theta - (g * 3) * m + (g * 3)**2, m + g * 3"))
    body = f"return theta - {name} * m + {name}**2, m + {name}"
    variable = f"def mine(theta, g, t, m):\n    {name} = g * 3\n    {body}"
    np.testing.assert_array_equal(step(rule(variable)), by_hand)
    slot = f"def mine(theta, g, t, {name}): return theta - (g * 3) * {name} + (g * 3)**2, {name} + g * 3"
    np.testing.assert_array_equal(step(rule(slot)), by_hand)
    body = f"return theta - (g * {name}) * m + (g * {name})**2, m + g * {name}"
    scalar = f"def mine(theta, g, t, m, *, {name}=3.0): {body}"
    np.testing.assert_array_equal(step(rule(scalar)), by_hand)


def test_annotations_and_far_docstrings_are_no_part_of_a_formula(tmp_path: Path) -> None:
    text = '''
def outer():
    @rule
    def mine(theta: "np.ndarray", g: Array, t: float, *, learning_rate: Number = 0.5) -> Array:
        """A docstring
with a line far to the left.
        """
        return (
    theta
            - learning_rate * g
        )
    return mine
made = outer()
'''
    made = load(text, tmp_path).made
    np.testing.assert_array_equal(step(made), THETA - 0.5 * G)


def test_a_formula_pickles_with_its_helpers_and_constants() -> None:
    def by(x, power=2):
        return x**power * BASE

    @rule(starts={"m": "first"}, ranges={"first": "[0, 9]"})
    def mine(theta, g, t, m, *, learning_rate=0.5, first=4.0):
        return theta - learning_rate * by(g) * np.sqrt(m) * math.pi, by(m)

    copy = pickle.loads(pickle.dumps(mine(learning_rate=0.25)))  # noqa: S301 - our own
    assert copy == mine(learning_rate=0.25)
    np.testing.assert_array_equal(step(copy), step(mine(learning_rate=0.25)))
    assert copy.source() == mine.source()
    np.testing.assert_array_equal(copy.init(THETA), [[4.0, 4.0, 4.0]])
    with pytest.raises(SettingError, match=r"first of mine: must be in \[0, 9\]"):
        copy(first=10)


def test_a_penalty_pickles_with_its_proximal_step() -> None:
    @penalty
    def mine(w, *, alpha=0.5):
        return alpha * np.abs(w), alpha * np.sign(w)

    @mine.proximal  # type: ignore[no-redef]
    def mine(w, step, *, alpha):
        return np.sign(w) * np.maximum(np.abs(w) - step * alpha, 0)

    copy: Penalty = pickle.loads(pickle.dumps(mine(alpha=2.0)))  # noqa: S301 - our own
    assert copy == mine(alpha=2.0)
    np.testing.assert_array_equal(copy.proximal_step(np.array([3.0, -0.5]), 0.5), [2.0, -0.0])


def test_an_error_of_the_trial_names_the_statement_that_widens() -> None:
    body = "a = g * 2\n    b = learning_rate * (a > 0)\n    return theta - b"
    text = f"def mine(theta, g, t, *, learning_rate=0.1):\n    {body}"
    with pytest.raises(FormulaError, match=r"line 3, in mine: 'b' becomes float64"):
        rule(text)


def test_the_message_quotes_one_short_line() -> None:
    with pytest.raises(FormulaError) as caught:
        rule(f"def mine(theta, g, t): return theta - unknown * {'g + ' * 200}g")
    assert re.search(r"unknown name 'unknown'", str(caught.value))
    assert all(len(line) < 200 for line in str(caught.value).splitlines())


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize(
    "returned",
    [
        "np.abs(z - {p}), np.sign(z - {p})",
        "np.maximum(z - {p}, 0), np.where(z > {p}, 1.0 + 0 * z, 0 * z)",  # differences of both sizes say one half
        "np.where(z > {p}, 5 + z, z), 1.0 + 0 * z",  # a jump
        "np.maximum(z - {p}, 0) * np.maximum(z - {p}, 0), 2 * np.maximum(z - {p}, 0)",
    ],
)
def test_a_kink_is_no_wrong_derivative(returned: str, point: float) -> None:
    activation(f"def mine(z): return {returned.format(p=f'({point})')}")


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_a_derivative_is_judged_by_its_size(scale: float) -> None:
    penalty(f"def mine(w, *, c={scale}): return c * w * w / 2, c * w")
    with pytest.raises(FormulaError, match="GRAD-MISMATCH"):
        penalty(f"def mine(w, *, c={scale}): return c * w * w / 2, c * w * 1.01")


def test_a_derivative_where_there_is_no_value_is_let_be() -> None:
    loss("def mine(y, z): return np.log(z), 1 / z")
    loss("def mine(y, z): return np.sqrt(0 * z - 1), z")
