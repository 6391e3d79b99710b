"""The gradients of a file, examined one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from thalweg.check.child.examining import Keep
from thalweg.check.child.examining import examined as examined_by
from thalweg.check.child.loading import Loaded
from thalweg.check.child.messages import Question
from thalweg.check.gradient_diagnosis import GradientDiagnosis, examinations
from thalweg.check.subjects.subject import Source
from thalweg.check.written import Written

_ADVICE = "to examine a backward pass in it, put that into a function such as def loss_and_gradient(W, X, y)"


def examined(question: Question, written: Written, keep: Keep) -> dict[str, Any]:
    """Run a file, find the gradients in it, and say of each whether it is right; see :mod:`.examining`."""
    wanted = question.at or question.name
    return examined_by(question, written, keep, _examinations, wanted=wanted, advice=_ADVICE)


def _examinations(question: Question, loaded: Loaded, source: Source) -> Iterator[GradientDiagnosis]:
    asked = {"function": question.function, "gradient_function": question.gradient_function, "at": question.at}
    yield from examinations(loaded.own, source, question.name, **asked)
