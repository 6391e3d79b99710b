"""Mends of backward passes: the user's own line, changed a little, and proven by running it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.check.subjects.gradient_files import FILES, SLIPS, Slip
from tests.check.test_gradient_diagnosis import told_of

from thalweg.check.gradient_diagnosis import GradientDiagnosis
from thalweg.check.mending.live import Live
from thalweg.check.mending.splices import Splice
from thalweg.check.subjects.subject import Source


@pytest.fixture(autouse=True)
def _seeded() -> None:
    np.random.seed(0)  # noqa: NPY002 - the generator that the files use


def slip(file: str, instead: str) -> Slip:
    return next(s for s in SLIPS if s.file == file and instead in s.instead)


def spoiled(each: Slip) -> str:
    return FILES[each.file].text.replace(each.right, each.instead, 1)


def examined(each: Slip, text: str) -> GradientDiagnosis:
    return told_of(each.file, text, each.name.split("(")[0].split(".")[0])[-1]


def mended(told: GradientDiagnosis, text: str) -> str:
    """Return a text with its mends."""
    lines = text.split("\n")
    for mend in sorted(told.mends, key=lambda mend: -mend.line):
        gone = len(mend.found.split("\n")) if mend.found else 0
        assert "\n".join(lines[mend.line - 1 : mend.line - 1 + gone]) == mend.found
        lines[mend.line - 1 : mend.line - 1 + gone] = mend.right.split("\n") if mend.right else []
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("file", "instead", "right"),
    [
        ("coursera_logistic", "db = np.sum(A - Y)", "    db = np.sum(A - Y) / m"),
        ("coursera_logistic", "(Y - A).T", "    dw = 1 / m * np.dot(X, (A - Y).T)"),
        ("two_layer_net", "dscores /= 1", "        dscores /= N"),
        ("two_layer_net", "+ reg * W1", '        grads["W1"] = np.dot(X.T, dhidden) + 2 * reg * W1'),
        ("cs231n_layers", "db = dout.sum(axis=0) / N", "    db = dout.sum(axis=0)"),
        ("andrew_ng_theta", "grad = grad + lam", "    grad[1:] = grad[1:] + lam / m * theta[1:]"),
        ("float32", "* (1 - h)", '    d1 = (d2 @ params["W2"].T) * (1 - h**2)'),
        ("closure_dropout", "* (z1 > 0)", '    dz1 = dout @ params["W2"].T * (z1 > 0) * mask'),
    ],
)
def test_the_line_is_mended_as_its_author_would(file: str, instead: str, right: str) -> None:
    each = slip(file, instead)
    told = examined(each, spoiled(each))
    assert [mend.right for mend in told.mends] == [right]
    assert told.mends[0].found in spoiled(each)


@pytest.mark.deep
def test_most_slips_are_mended_and_every_mended_file_is_right() -> None:
    count = 0
    for each in SLIPS:
        np.random.seed(0)  # noqa: NPY002 - the same for each
        text = spoiled(each)
        told = examined(each, text)
        if told.mends:
            count += 1
            again = examined(each, mended(told, text))
            assert (again.name, again.kind) == (told.name, "right"), each
            assert again.mends == ()
    assert count >= 43


def test_what_cannot_be_proven_has_no_mend() -> None:
    text = "import numpy as np\ndef f(x): return np.sum(np.sinh(x)) + x[0] * x[1]\ndef df(x): return np.exp(x)\n"
    (told,) = told_of("odd", text)
    assert (told.kind, told.mends) == ("wrong", ())


@pytest.mark.deep
def test_one_layer_is_not_mended_by_the_name_of_another() -> None:
    """In a loop over layers a name such as ``zs[1]`` would be right for this depth alone."""
    each = slip("nielsen", "activations[-l]")
    told = examined(each, spoiled(each))
    assert [mend.right.strip() for mend in told.mends] == ["sp = sigmoid_prime(z)"]


def test_functions_have_their_own_code_again_whatever_happens() -> None:
    text = "def twice(x):\n    return 2 * x\n\ndef fails(x):\n    return x / 0\n"
    scope: dict[str, Any] = {}
    exec(compile(text, "mine.py", "exec"), scope)  # noqa: S102 - our own text
    live = Live(scope, Source("mine.py", text))
    at = text.index("2 *")
    with live.edited((Splice(at, at + 1, "3"),)) as edited:
        assert (edited, scope["twice"](1)) == (True, 3)
    assert scope["twice"](1) == 2

    def interrupted() -> None:
        with live.edited((Splice(at, at + 1, "4"),)):
            scope["fails"](scope["twice"](1))

    with pytest.raises(ZeroDivisionError):
        interrupted()
    assert scope["twice"](1) == 2
    with pytest.raises(SyntaxError), live.edited((Splice(at, at + 1, "*"),)):
        pass
    with live.edited(()) as edited:
        assert not edited
