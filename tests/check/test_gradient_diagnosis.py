"""Gradients in files of strangers: right ones are right in every style, slips are found, named and placed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from tests.check.subjects.gradient_files import FILES, SLIPS, Slip

from thalweg.check.gradient_diagnosis import GradientDiagnosis, diagnose_gradients
from thalweg.check.subjects.subject import CannotRun, Source

SLOW = (
    "nielsen", "regularized", "coursera_deep", "descends_at_once", "gradient_check_n", "keeps_its_gradients",
    "coursera_planar", "chinese", "costless_digits",
)  # fmt: skip
UNMENDED = ("- xhat * np.mean", "dW[:, y[i]] -=", "Theta1_grad[:, 1:]", "num_pos")  # whose mend is sought for seconds
QUICK = [s for s in SLIPS if s.file not in SLOW and not any(text in s.right for text in UNMENDED)][
    ::3
]  # others: `deep`


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Files that draw from NumPy's own generator draw the same in every order of the tests."""
    np.random.seed(0)  # noqa: NPY002 - the generator that they use


def told_of(name: str, text: str, only: str | None = None, **asked: Any) -> tuple[GradientDiagnosis, ...]:
    scope: dict[str, Any] = {"__name__": "examined"}
    exec(compile(text, f"{name}.py", "exec"), scope)  # noqa: S102 - our own text
    return diagnose_gradients(scope, Source(f"{name}.py", text), only, **asked)


@pytest.mark.parametrize("name", FILES)
def test_right_files_are_right(name: str) -> None:
    told = told_of(name, FILES[name].text)
    assert {one.name: one.kind for one in told} == dict.fromkeys(FILES[name].gradients, "right")


def examine(slip: Slip) -> None:
    text = FILES[slip.file].text
    assert slip.right in text
    spoiled = text.replace(slip.right, slip.instead, 1)
    (told,) = told_of(slip.file, spoiled, slip.name.split("(")[0].split(".")[0])[-1:]
    assert (told.name, told.kind) == (slip.name, "wrong")
    assert told.verdict is not None
    assert not slip.blocks or set(told.verdict.wrong_blocks) == set(slip.blocks.split()), str(told.verdict)
    assert not slip.code or slip.code in told.verdict.codes, str(told.verdict)
    assert GradientDiagnosis.from_dict(json.loads(json.dumps(told.as_dict()))).as_dict() == told.as_dict()


@pytest.mark.parametrize("slip", QUICK, ids=str)
def test_slip_is_found_in_its_blocks_and_named(slip: Slip) -> None:
    examine(slip)


@pytest.mark.deep
@pytest.mark.parametrize("slip", [slip for slip in SLIPS if slip not in QUICK], ids=str)
def test_every_slip_is_found_in_its_blocks_and_named(slip: Slip) -> None:
    examine(slip)


@pytest.mark.parametrize(
    ("file", "right", "instead", "name", "line"),
    [
        ("coursera_logistic", "db = 1 / m * np.sum(A - Y)", "db = np.sum(A - Y)", "propagate", "db = np.sum(A - Y)"),
        ("own_data", "return 2 * X.T", "return X.T", "gradient", "return X.T @ (X @ w - y) / len(y)"),
        ("scikit_style", " + self.reg * self.w\n", "\n", "LogisticRegression", "dw = X.T @ (p - y) / len(y)"),
    ],
)
def test_line_is_the_one(file: str, right: str, instead: str, name: str, line: str) -> None:
    (told,) = told_of(file, FILES[file].text.replace(right, instead, 1), name)
    assert [each.text for each in told.lines] == [line]
    number = told.lines[0].where.rpartition(":")[2]
    assert FILES[file].text.replace(right, instead, 1).splitlines()[int(number) - 1].strip() == line


def test_derivative_of_the_activation_is_right_and_said_to_be_one() -> None:
    (told,) = told_of("trask", FILES["trask"].text)
    assert (told.kind, told.form) == ("right", "of_activation")


def test_own_point_is_looked_at_and_named() -> None:
    text = (
        "import numpy as np\ndef f(x): return np.sum(x**3)\ndef df(x): return 3 * x**2\nstart = np.array([1.0, -2.0])\n"
    )
    (told,) = told_of("cube", text, at="start")
    assert (told.kind, [(g.name, g.origin) for g in told.given]) == ("right", [("start", "asked")])


def test_functions_that_are_named_are_taken() -> None:
    text = "def alpha(x): return x**3\ndef omega(x): return 2 * x**2\n"
    with pytest.raises(CannotRun, match="looks like a gradient"):
        told_of("named", text)
    (told,) = told_of("named", text, function="alpha", gradient_function="omega")
    assert (told.of, told.kind) == ("alpha", "wrong")
    with pytest.raises(CannotRun, match="no beta"):
        told_of("named", text, function="beta")


def test_loss_that_is_not_written_down_is_one_that_fits() -> None:
    (told,) = told_of("line", FILES["costless_line"].text)
    assert (told.kind, told.form, told.told) == ("right", "known_loss", "the mean squared error")
    wild = FILES["costless_line"].text.replace("(y_hat - y)", "(y_hat - y) ** 3").replace("np.sum(y_hat - y)", "7")
    (told,) = told_of("line", wild)
    assert (told.kind, told.choices) == ("unclear", ())


def test_no_cost_is_asked_for_not_guessed() -> None:
    text = "def backward(W, X, d): return X.T @ d\n"
    (told,) = told_of("costless", text)
    assert (told.kind, told.choices) == ("unclear", ())


def test_code_that_fails_says_where_and_why() -> None:
    text = "import numpy as np\ndef loss(w):\n    return np.sum(w**2)\ndef gradient(w):\n    return 2 * v\n"
    (told,) = told_of("failing", text)
    assert (told.kind, told.reason) == ("cannot_run", "failing.py:5: NameError: name 'v' is not defined")


PENALISED = """
import numpy as np
def sigmoid(z): return 1 / (1 + np.exp(-z))
def cost(theta, X, y, lam=0.1):
    h = sigmoid(X @ theta)
    return -np.mean(y * np.log(h) + (1 - y) * np.log(1 - h)) + lam / 2 / len(y) * np.sum(theta[1:] ** 2)
def gradient(theta, X, y, lam=0.1):
    h = sigmoid(X @ theta)
    g = X.T @ (h - y) / len(y)
    g += lam / len(y) * theta
    return g
"""


def test_regression_is_given_one_target_for_each_row() -> None:
    """With a matrix of parameters ``len(y)`` would not be what the mean divides by, and all would look wrong."""
    (told,) = told_of("net", PENALISED)
    assert told.verdict is not None
    assert told.kind == "wrong"
    assert "1 of 4 coordinates differ" in str(told.verdict)
    assert "L2 in the gradient only at theta[0]" in str(told.verdict)


LOSS_LAYER = """
import numpy as np
class SoftmaxCrossEntropy:
    def forward(self, logits, labels):
        z = logits - logits.max(axis=1, keepdims=True)
        self.p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        self.labels = labels
        return -np.log(self.p[np.arange(len(labels)), labels]).mean()
    def backward(self):
        g = self.p.copy()
        g[np.arange(len(self.labels)), self.labels] -= 1
        return g / len(self.labels)
"""


def test_loss_that_keeps_what_backward_needs_is_examined() -> None:
    (told,) = told_of("layer", LOSS_LAYER)
    assert (told.name, told.of, told.kind) == ("SoftmaxCrossEntropy", "SoftmaxCrossEntropy.forward", "right")
    (told,) = told_of("layer", LOSS_LAYER.replace("return g / len(self.labels)", "return g"))
    assert told.verdict is not None
    assert told.verdict.codes == {"missing_1_m"}
    assert [mend.right.strip() for mend in told.mends] == ["return g / g.shape[0]"]
