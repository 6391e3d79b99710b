"""Activations: the same as PyTorch's and SciPy's, derivatives by differences, safe at any input."""

from __future__ import annotations

import doctest
from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import expit, log_expit, ndtr

from thalweg.errors import SettingError
from thalweg.formulas import activations
from thalweg.formulas.activations import elu, gelu, identity, leaky_relu, logistic, relu, silu, softplus, tanh
from thalweg.formulas.formula import Activation

ALL = (identity, relu, leaky_relu(slope=0.1), elu(alpha=0.7), tanh, logistic, softplus, silu, gelu)

# PyTorch 2.13.0, float64, CPU: value of the call, and the gradient that `y.sum().backward()` leaves in x.
POINTS = (-30.0, -3.0, -0.5, 0.0, 0.5, 3.0, 30.0)
RECORDED = {
    "identity": (  # torch.nn.Identity()(x)
        (-30.0, -3.0, -0.5, 0.0, 0.5, 3.0, 30.0),
        (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
    ),
    "relu": (  # relu(x)
        (0.0, 0.0, 0.0, 0.0, 0.5, 3.0, 30.0),
        (0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0),
    ),
    "leaky_relu": (  # leaky_relu(x, negative_slope=0.1)
        (-3.0, -0.30000000000000004, -0.05, 0.0, 0.5, 3.0, 30.0),
        (0.1, 0.1, 0.1, 0.1, 1.0, 1.0, 1.0),
    ),
    "elu": (  # elu(x, alpha=0.7)
        (-0.6999999999999345, -0.6651490521424952, -0.2754285382011566, 0.0, 0.5, 3.0, 30.0),
        (6.550336078188121e-14, 0.03485094785750476, 0.42457146179884336, 0.7, 1.0, 1.0, 1.0),
    ),
    "tanh": (  # tanh(x)
        (-1.0, -0.9950547536867305, -0.46211715726000974, 0.0, 0.46211715726000974, 0.9950547536867305, 1.0),
        (0.0, 0.009866037165440166, 0.7864477329659274, 1.0, 0.7864477329659274, 0.009866037165440166, 0.0),
    ),
    "logistic": (  # sigmoid(x)
        (9.357622968839299e-14, 0.04742587317756678, 0.3775406687981454, 0.5, 0.6224593312018546, 0.9525741268224334,
         0.9999999999999065),
        (9.357622968838423e-14, 0.04517665973091214, 0.2350037122015945, 0.25, 0.2350037122015945, 0.045176659730912,
         9.348077867342945e-14),
    ),
    "softplus": (  # softplus(x, threshold=1e9)
        (9.357622968839737e-14, 0.04858735157374206, 0.4740769841801067, 0.6931471805599453, 0.9740769841801067,
         3.048587351573742, 30.000000000000092),
        (9.3576229688393e-14, 0.04742587317756679, 0.37754066879814546, 0.5, 0.6224593312018546, 0.9525741268224333,
         0.9999999999999064),
    ),
    "silu": (  # silu(x)
        (-2.8072868906517896e-12, -0.14227761953270035, -0.1887703343990727, 0.0, 0.3112296656009273,
         2.8577223804672998, 29.999999999997197),
        (-2.713710660963134e-12, -0.08810410601516962, 0.2600388126973482, 0.5, 0.7399611873026519,
         1.0881041060151693, 1.000000000002711),
    ),
    "gelu": (  # gelu(x, approximate="tanh")
        (-0.0, -0.0036373920817729943, -0.15428599017485606, 0.0, 0.34571400982514394, 2.996362607918227, 30.0),
        (0.0, -0.011584166630969648, 0.13263009646535764, 0.5, 0.8673699035346424, 1.0115841666309695, 1.0),
    ),
}  # fmt: skip


def name_of(value: object) -> str | None:
    return value.name if isinstance(value, Activation) else None  # pytest numbers the others


@pytest.mark.parametrize("activation", ALL, ids=name_of)
def test_value_and_derivative_are_those_of_pytorch(activation: Activation) -> None:
    value, derivative = RECORDED[activation.name]
    # Near a derivative of 0 a formula in the value (1 - a * a) is right to the last place of 1, no further.
    np.testing.assert_allclose(activation.value(np.array(POINTS)), value, rtol=1e-14, atol=1e-16)
    np.testing.assert_allclose(activation.derivative(np.array(POINTS)), derivative, rtol=1e-14, atol=3e-16)


@pytest.mark.parametrize("activation", ALL, ids=name_of)
def test_derivative_is_the_slope_of_the_value_off_zero(activation: Activation) -> None:
    z, h = np.linspace(-9, 9, 200), 1e-5  # 200 points leave 0 out
    slope = (activation.value(z + h) - activation.value(z - h)) / (2 * h)
    np.testing.assert_allclose(activation.derivative(z), slope, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(
    ("activation", "at_zero"),
    [(relu, 0.0), (leaky_relu(slope=0.2), 0.2), (leaky_relu(slope=0.0), 0.0), (elu(alpha=0.3), 0.3), (elu, 1.0)],
    ids=name_of,
)
def test_derivative_at_the_kink_is_the_one_from_below(activation: Activation, at_zero: float) -> None:
    for zero in (0.0, -0.0):
        assert activation.derivative(np.array([zero]))[0] == at_zero
    np.testing.assert_allclose(activation.derivative(np.array([-1e-12, 1e-12])), [at_zero, 1.0], rtol=1e-11)


@pytest.mark.parametrize(
    ("activation", "reference"),
    [
        (tanh, np.tanh),
        (logistic, expit),
        (softplus, lambda z: -log_expit(-z)),
        (silu, lambda z: z * expit(z)),
        (elu, lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0)))),
        (gelu, lambda z: z * expit(np.sqrt(8 / np.pi) * (z + 0.044715 * z**3))),
    ],
    ids=name_of,
)
def test_keeps_its_relative_accuracy_in_both_tails(
    activation: Activation, reference: Callable[[np.ndarray], np.ndarray]
) -> None:
    # Where it matters: exp(-z) is of the size of the last place, and far below it. Rounding z itself costs |z| places.
    z = np.array([-600.0, -300.0, -100.0, -37.5, -20.25, -1e-8, 1e-8, 20.25, 37.5, 100.0, 600.0])
    z = z[np.abs(z) < 25] if activation is gelu else z  # its exponent is a cube
    np.testing.assert_allclose(activation.value(z), reference(z), rtol=1e-12)


def test_gelu_is_near_the_exact_one_as_promised() -> None:
    z = np.linspace(-10, 10, 20_001)
    off = np.abs(gelu.value(z) - z * ndtr(z)).max()
    assert 4e-4 < off < 5e-4


@pytest.mark.parametrize("activation", ALL, ids=name_of)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_is_safe_at_any_finite_input(activation: Activation, dtype: type[np.floating]) -> None:
    sizes = np.array([0.0, 1e-44, 1e-30, 1.0, 19.0, 39.9, 40.0, 40.1, 88.7, 103.9, 1e10, 3e38], dtype=dtype)
    if dtype is np.float64:
        sizes = np.concatenate([sizes, [5e-324, 709.8, 745.2, 1e300, 1.7e308]])
    z = np.concatenate([-sizes, sizes])
    with np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"):
        value, derivative = activation.formula(z, **activation.hyperparameters)
    assert value.dtype == derivative.dtype == dtype
    assert np.isfinite(value).all()
    assert np.isfinite(derivative).all()


@pytest.mark.parametrize(
    ("activation", "below", "slope_below", "above", "slope_above"),
    [
        (identity, -1e300, 1.0, 1e300, 1.0),
        (relu, 0.0, 0.0, 1e300, 1.0),
        (leaky_relu(slope=0.1), -1e299, 0.1, 1e300, 1.0),
        (elu(alpha=0.7), -0.7, 0.0, 1e300, 1.0),
        (tanh, -1.0, 0.0, 1.0, 0.0),
        (logistic, 0.0, 0.0, 1.0, 0.0),
        (softplus, 0.0, 0.0, 1e300, 1.0),
        (silu, 0.0, 0.0, 1e300, 1.0),
        (gelu, 0.0, 0.0, 1e300, 1.0),
    ],
    ids=name_of,
)
def test_what_is_left_far_out(
    activation: Activation, below: float, slope_below: float, above: float, slope_above: float
) -> None:
    far = np.array([-1e300, 1e300])
    np.testing.assert_allclose(activation.value(far), [below, above], rtol=1e-15)
    np.testing.assert_array_equal(activation.derivative(far), [slope_below, slope_above])


@pytest.mark.parametrize("activation", ALL, ids=name_of)
def test_an_input_that_is_not_a_number_stays_one(activation: Activation) -> None:
    z = np.array([np.nan, 1.0])
    for result in (activation.value(z), activation.derivative(z)):
        np.testing.assert_array_equal(np.isnan(result), [True, False])


@pytest.mark.parametrize("activation", [tanh, logistic, softplus, elu, relu, leaky_relu], ids=name_of)
def test_the_backward_pass_needs_the_stored_activation_only(activation: Activation) -> None:
    header, body = activation.source().split("def backward")[1].split("\n", 1)
    _, _, inputs, units, _ = header[header.index("(") + 1 : header.index(")")].split(", ")
    assert f"flat_{units}[i]" in body
    assert f"flat_{inputs}[i]" not in body


def test_numbers_left_out_are_those_of_pytorch() -> None:
    assert leaky_relu.slope == 0.01
    assert elu.alpha == 1.0


@pytest.mark.parametrize(
    ("activation", "numbers"),
    [(leaky_relu, {"slope": -0.1}), (elu, {"alpha": -1.0}), (elu, {"alpha": float("nan")}), (relu, {"slope": 0.1})],
)
def test_a_number_out_of_range_is_refused(activation: Activation, numbers: dict[str, float]) -> None:
    with pytest.raises(SettingError, match=next(iter(numbers))):
        activation(**numbers)


@pytest.mark.parametrize("activation", ALL, ids=name_of)
def test_the_example_in_the_docstring_holds(activation: Activation) -> None:
    examples = doctest.DocTestParser().get_doctest(
        activation.__doc__ or "", vars(activations), activation.name, None, 0
    )
    assert examples.examples
    assert doctest.DocTestRunner().run(examples).failed == 0
