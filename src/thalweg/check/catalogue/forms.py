"""Forms in which single rules are written: by their papers, by libraries, and by those who copy them."""

from __future__ import annotations

from types import MappingProxyType

from thalweg.check.catalogue.edits import Either, First, Perhaps, Replace
from thalweg.check.catalogue.variation import Variation

FORMS = (
    Variation(
        "mean-square-corrected",
        "convention",
        "the mean square is corrected for its start",
        "RMSprop has no correction and takes a long first step; divided by 1 - rho**t it does not.",
        "Optax rmsprop(bias_correction=True)",
        (Replace("np.sqrt(v)", "np.sqrt(v / (1 - rho**t))"),),
        ("rmsprop", "rmsprop_momentum"),
    ),
    Variation(
        "maximum-of-corrected",
        "convention",
        "the maximum is taken of corrected moments",
        "Optax takes the maximum after the correction, PyTorch before it.",
        "optax#1389, pytorch#142323",
        (
            Replace("v_max = np.maximum(v_max, v)", "v_max = np.maximum(v_max, v / (1 - beta2**t))"),
            Replace("v_hat = v_max / (1 - beta2**t)", "v_hat = v_max"),
        ),
        ("amsgrad",),
    ),
    Variation(
        "maximum-uncorrected",
        "convention",
        "AMSGrad has no correction",
        "The paper's algorithm corrects neither moment. PyTorch, Keras and Optax correct both.",
        "Reddi et al. (2018), Algorithm 2; river#185",
        (
            Replace("m_hat = m / (1 - beta1**t)", "m_hat = m"),
            Replace("v_hat = v_max / (1 - beta2**t)", "v_hat = v_max"),
        ),
        ("amsgrad",),
    ),
    Variation(
        "constant-look-ahead",
        "convention",
        "NAdam's momentum is constant",
        "Optax and many notes look ahead with beta1 itself; the paper lets it rise from half of beta1.",
        "Optax nadam; Ruder's overview",
        (
            Replace(
                "m_hat = X",
                "m_hat = beta1 / (1 - beta1**(t + 1)) * m + (1 - beta1) / (1 - beta1**t) * g",
            ),
        ),
        ("nadam",),
    ),
    Variation(
        "simple-look-ahead",
        "convention",
        "NAdam's look-ahead has one correction",
        "The mean and the gradient are divided by the same 1 - beta1**t, as blog posts derive it.",
        "Ruder's overview (2016), equation 31",
        (Replace("m_hat = X", "m_hat = (beta1 * m + (1 - beta1) * g) / (1 - beta1**t)"),),
        ("nadam",),
    ),
    Variation(
        "one-step-late",
        "convention",
        "Rprop walks one update late",
        "Optax returns the step that it kept at the update before, and none when the sign turns.",
        "Optax rprop",
        (
            Replace("agreement = X", "agreement = np.sign(g) * np.sign(waiting)"),
            Replace(
                "step = np.minimum(np.maximum(step, min_step), max_step)",
                "step = np.where(agreement > 0, np.minimum(step, max_step), "
                "np.where(agreement < 0, np.maximum(step, min_step), step))",
            ),
            Replace("previous = X", "late = np.where(agreement < 0, 0, waiting)"),
            Replace("theta = X", "waiting = np.where(agreement < 0, 0, step * np.sign(g))\ntheta = theta - late"),
        ),
        ("rprop",),
        slots=MappingProxyType({"waiting": 0.0}),
    ),
    Variation(
        "change-weighted-otherwise",
        "convention",
        "Adan's change is weighted by 1 - beta2",
        "Optax weighs the gradient's change by 1 - b2; the paper and its authors' code by their 1 - beta2, which is "
        "our beta2.",
        "Optax adan",
        (
            Replace("g + beta2 * change", "g + (1 - beta2) * change"),
            Replace("beta2 * v / (1 - beta2**t)", "(1 - beta2) * v / (1 - beta2**t)"),
            Replace("np.sqrt(v_hat) + epsilon", "np.sqrt(v_hat + epsilon_root) + epsilon"),
        ),
        ("adan",),
        MappingProxyType({"epsilon_root": 1e-8}),
    ),
    Variation(
        "power-for-root",
        "convention",
        "any power of the sum of squares stands for its root",
        "Keras and TensorFlow let the rate fall with another power than 1/2. At 0 it does not fall at all.",
        "Keras Ftrl (learning_rate_power)",
        (Replace("np.sqrt(X)", "X**power"),),
        ("ftrl",),
        MappingProxyType({"power": 0.5}),
    ),
    Variation(
        "weights-one-step-late",
        "convention",
        "FTRL walks one update late",
        "River makes the weights of what was there before this gradient, which then acts at the next update. Where l1 "
        "holds z back it leaves the weight as it was; the paper sets it to zero.",
        "River FTRLProximal; McMahan et al. (2013), Algorithm 1",
        (
            Replace("theta = X", ""),
            Replace("beyond = X", ""),
            First(
                "beyond = z - np.sign(z) * l1\n"
                "late = -learning_rate * beyond / (beta + np.sqrt(n) + learning_rate * l2)\n"
                "theta = np.where(np.abs(z) > l1, late, theta)"
            ),
        ),
        ("ftrl",),
    ),
    Variation(
        "shrinkage",
        "convention",
        "FTRL shrinks the gradient and counts l2 twice",
        "Keras doubles l2 and lets a second decay act on the gradient.",
        "Keras Ftrl",
        (
            Replace("z = z + g - X", "z = z + (g + 2 * shrinkage * theta) - X"),
            Replace("learning_rate * l2", "2 * learning_rate * l2"),
        ),
        ("ftrl",),
        MappingProxyType({"shrinkage": 0.0}),
    ),
    Variation(
        "steps-after-turn",
        "convention",
        "Rprop steps on after the sign has turned",
        "That is Rprop-: the size shrinks where the sign turns, and the step goes on. PyTorch and iRprop- rest there "
        "for one step and forget the gradient.",
        "Riedmiller (1994); Igel and Huesken (2000), Rprop-; tensorflow#20918",
        (Replace("previous = np.where(agreement < 0, 0 * g, g)", "previous = g"),),
        ("rprop",),
    ),
    Variation(
        "steps-back",
        "convention",
        "Rprop takes its step back where the sign turns",
        "That is Rprop+, with weight backtracking: where the sign turns, the last step is undone and the gradient "
        "forgotten. PyTorch rests there for one step.",
        "Riedmiller and Braun (1993); Igel and Huesken (2000), Rprop+",
        (
            Replace(
                "theta = X",
                "moved = np.where(agreement < 0, -moved, np.sign(g) * step)\ntheta = theta - moved",
            ),
        ),
        ("rprop",),
        slots=MappingProxyType({"moved": 0.0}),
    ),
    Variation(
        "rectified-from-four",
        "convention",
        "RAdam rectifies from a length of 4 on",
        "The paper does so where the length of the average is more than 4, PyTorch, Optax and the authors' code from 5 "
        "on. With beta2 = 0.999 only the fifth step differs.",
        "Liu et al. (2020), Algorithm 2; RAdam-Tensorflow#2, pytorch#58968",
        (
            Replace("known = length > 5", "known = length > 4"),
            Replace("far = np.maximum(length, 5)", "far = np.maximum(length, 4)"),
        ),
        ("radam",),
    ),
    Variation(
        "mean-starts-at-zero",
        "convention",
        "Yogi's mean gradient starts at zero",
        "The paper starts it there. TensorFlow, Optax and PyTorch's copies start both moments at the initial "
        "accumulator.",
        "Zaheer et al. (2018), Algorithm 2; pytorch-optimizer#77",
        (Replace("m = beta1 * m + X", "m = np.where(now > 1, beta1 * m, 0) + X"),),
        ("yogi",),
    ),
    Variation(
        "variance-corrected",
        "convention",
        "the variance is corrected for its start",
        "Both the mean square and the mean are divided by 1 - rho**t before the one is subtracted from the other.",
        "Optax scale_by_stddev(bias_correction=True)",
        (
            Replace(
                "variance = np.maximum(v - m**2, 0)",
                "variance = np.maximum(v / (1 - rho**t) - (m / (1 - rho**t))**2, 0)",
            ),
        ),
        ("rmsprop_centered", "rmsprop_centered_momentum"),
    ),
    Variation(
        "variance-not-held",
        "convention",
        "nothing holds the variance above zero",
        "A mean square is never less than the squared mean, but for rounding. Beside a mistake the difference becomes "
        "negative, and its root has no real value.",
        "torch.optim.RMSprop(centered=True); Keras and TensorFlow",
        (Replace("np.maximum(X, 0)", "X", within="variance"),),
        ("rmsprop_centered", "rmsprop_centered_momentum"),
        beside="mean-not-squared",
    ),
    Variation(
        "size-under-root",
        "convention",
        "the root is taken of the size",
        "abs() under the root changes nothing where squares are averaged. Beside a mistake it hides the NaN that would "
        "have told of it.",
        "public code of federated learning (np.sqrt(np.abs(v_hat)))",
        (
            Perhaps(Replace("np.maximum(X, 0)", "X", within="variance")),
            Either(
                (
                    Replace("np.sqrt(X)", "np.sqrt(np.abs(X))", within="theta"),
                    Replace("np.sqrt(X)", "np.sqrt(np.abs(X))", within="velocity"),
                )
            ),
        ),
        ("adagrad", "rmsprop", "rmsprop_momentum", "rmsprop_centered", "adam", "adamw", "amsgrad"),
        beside="not-squared",
    ),
)

VARIATIONS = FORMS
