"""The trial of a formula: it is run on a few numbers when it is declared, and its author's mistakes are answered."""

from __future__ import annotations

import ast
import inspect
import traceback
from typing import Any

import numpy as np

from thalweg.formulas.base import Formula

# Values for trying a formula: signs, a zero, different sizes.
TRIAL = np.array([0.5, -1.25, 0.0, 3.0], dtype=np.float32)


def try_on_arrays(formula: Formula, *arguments: Any) -> tuple[Any, ...]:
    """Run a formula on float32 arrays and answer with the line when a value is widened, lost or misshapen."""
    with np.errstate(all="ignore"):
        try:
            result = formula.formula(*arguments, **formula.hyperparameters)
        except Exception as error:  # noqa: BLE001 - whatever the author's line raises
            raise formula._error(
                "FORMULA-FAILS", f"the formula fails on arrays: {error}", node=_failing_line(formula, error)
            ) from None
    results = result if isinstance(result, tuple) else (result,)
    for k, value in enumerate(results):
        if not isinstance(value, np.ndarray) or value.shape != TRIAL.shape:
            what = (
                f"returned value {k + 1} is {_shown(value)}; expected an array like its arguments, shape {TRIAL.shape}"
            )
            last = formula._source.definition.body[-1]
            raise formula._error("FORMULA-SHAPE", what, "Let it depend on a coordinate.", last)
        if value.dtype != np.float32:
            node, name = _widening_line(formula, arguments)
            raise formula._error(
                "FORMULA-WIDENS",
                f"{name or f'returned value {k + 1}'} becomes {value.dtype} although all arrays are float32",
                "A truth value times a number widens: write np.where(condition, a, b) with a coordinate in a or b.",
                node,
            )
    return results


def _shown(value: Any) -> str:
    return (
        f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else f"{type(value).__name__} {value!r:.40}"
    )


def _failing_line(formula: Formula, error: BaseException) -> ast.AST:
    """Find the line of the formula in which an exception arose, as a node that carries it."""
    code = formula.formula.__code__
    lines = [frame.f_lineno for frame, _ in traceback.walk_tb(error.__traceback__) if frame.f_code is code]
    return ast.Pass(lineno=(lines or [code.co_firstlineno])[0] - formula._source.first_line + 1)


def _widening_line(formula: Formula, arguments: tuple[Any, ...]) -> tuple[ast.AST | None, str]:
    """Run the statements one by one and find the first that leaves float32."""
    (definition,) = (node for node in ast.parse(formula.text).body if isinstance(node, ast.FunctionDef))
    names = [a.arg for a in definition.args.args]
    scope = {**formula.formula.__globals__, **dict(zip(names, arguments, strict=True)), **formula.hyperparameters}
    with np.errstate(all="ignore"):
        for statement in definition.body:
            if not isinstance(statement, ast.Assign):
                continue
            exec(compile(ast.Module([statement], []), "<formula>", "exec"), scope)  # noqa: S102 - the author's own line
            for target in (n for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)):
                value = scope[target.id]
                if isinstance(value, np.ndarray | np.generic) and value.dtype == np.float64:
                    return statement, repr(target.id)
    return definition.body[-1], ""


def expect_arguments(formula: Formula, signature: inspect.Signature, arguments: tuple[str, ...], example: str) -> None:
    """Answer a wrong list of positional arguments."""
    names = tuple(n for n, p in signature.parameters.items() if p.kind is not p.KEYWORD_ONLY)
    stars = any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in signature.parameters.values())
    if len(names) != len(arguments) or stars:
        shown = ", ".join(signature.parameters)
        raise formula._error(
            "FORMULA-SIGNATURE", f"a {formula.kind} takes ({', '.join(arguments)}), got ({shown[:60]})", example
        )


def expect_two_outputs(formula: Formula, wanted: str) -> None:
    """Answer a wrong number of returned values."""
    given = len(formula._program.outputs)
    if given != 2:
        what = f"{given} value{'s are' if given > 1 else ' is'} returned, expected 2: {wanted}"
        raise formula._error("FORMULA-ARITY", what, node=formula._source.definition.body[-1])


# Where a written derivative is compared with the slope of its value: off the round numbers, where formulas have kinks.
POINTS = np.array([-2.83, -1.37, -0.61, -0.23, 0.29, 0.74, 1.43, 3.17])
STEPS = np.array([0.0, 1e-4, -1e-4, 3e-5, -3e-5])
# A kink under a point bends its differences; a wrong derivative is wrong at more points than this share.
KINKED = 1 / 3


def expect_derivative(formula: Formula, *truths: float) -> None:
    """Answer a second value that is not the derivative of the first in the last argument.

    Parameters
    ----------
    formula : Formula
        Of ``(x)``, or of ``(y, x)`` when there are ``truths``.
    truths : float
        Values of ``y``, each tried with every point.
    """
    x = np.tile(POINTS, max(len(truths), 1))
    given = [np.repeat(truths, POINTS.size)] if truths else []
    shape = STEPS.size, x.size
    arguments = [*(np.broadcast_to(y, shape) for y in given), x + STEPS[:, np.newaxis]]
    with np.errstate(all="ignore"):
        value, derivative = formula.formula(*arguments, **formula.hyperparameters)
        coarse, fine = (value[1::2] - value[2::2]) / (arguments[-1][1::2] - arguments[-1][2::2])
        written, size = derivative[0], np.maximum(np.abs(fine), np.abs(derivative[0]))
        noise = 1e-8 * np.abs(value[0])  # what rounding leaves in a difference of two values, and more
        smooth = np.isfinite(written) & (np.abs(coarse - fine) <= 1e-5 * size + noise)
        excess = np.where(smooth, np.abs(written - fine) - 1e-3 * size - noise, -np.inf)
    wrong = excess > 0
    if wrong.sum() <= KINKED * smooth.sum():
        return
    k = int(np.argmax(excess))
    names = list(inspect.signature(formula.formula).parameters)
    point = ", ".join(f"{name} = {a[k]:g}" for name, a in zip(names, [*given, x], strict=False))
    what = f"at {point} the derivative is written as {written[k]:.6g}, expected {fine[k]:.6g}"
    hint = f"The second value is the derivative of the first in {names[len(given)]}; the slope is a central difference."
    raise formula._error("GRAD-MISMATCH", what, hint, formula._source.definition.body[-1])
