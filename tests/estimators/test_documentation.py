"""Docstrings that are inherited: whose words are told, in which order, and what is answered where there are none."""

import inspect
import subprocess
import sys

import pytest

from thalweg.estimators.base import DescentEstimator
from thalweg.estimators.documentation import documented

TAUGHT = (
    "A kind of its own.\n\nParameters\n----------\nverbose : int\n    Mine.\n\n"
    "Attributes\n----------\nextra_ : int\n    What else is left.\n\nNotes\n-----\nOwn words.\n"
)


def made(text, signature):
    made_anew = type("Kind", (DescentEstimator,), {"__doc__": text, "__init__": signature})
    return inspect.getdoc(documented(made_anew))


def test_the_nearest_class_has_the_word_and_the_signature_the_order():
    text = made(TAUGHT, lambda self, tol=1e-4, verbose=0: None)
    parameters = text.partition("Parameters\n----------\n")[2].partition("\n\nAttributes")[0].splitlines()
    assert [line for line in parameters if not line.startswith(" ")] == ["tol : float >= 0 or None", "verbose : int"]
    assert parameters[-1] == "    Mine."


def test_attributes_and_notes_of_the_class_stand_before_those_above_it():
    text = made(TAUGHT, lambda self, verbose=0: None)
    attributes = text.partition("Attributes\n----------\n")[2]
    assert attributes.startswith("extra_ : int\n    What else is left.\ntheta_ : ndarray (n_parameters,)\n")
    assert text.endswith("Notes\n-----\nOwn words.")


def test_a_parameter_that_nobody_documents_is_found_when_the_class_is_made():
    with pytest.raises(KeyError, match="unheard_of"):
        made(TAUGHT, lambda self, unheard_of=1: None)


def test_without_docstrings_there_is_nothing_to_complete():
    program = "from thalweg.estimators import LinearRegressor; raise SystemExit(LinearRegressor.__doc__ is not None)"
    assert subprocess.run([sys.executable, "-OO", "-c", program], check=False, timeout=300).returncode == 0
