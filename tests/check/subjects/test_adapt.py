"""Update rules in the styles that people write them in are found, played and named."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from thalweg.check.diagnosis import Diagnosis, cannot_run, examine
from thalweg.check.subjects import CannotRun, Source, adapt
from thalweg.check.subjects.finding import find


def diagnosed(text: str, name: str | None = None) -> Diagnosis:
    """Run a text, find the update in it and examine it."""
    text = textwrap.dedent(text)
    source = Source("stranger.py", text)
    space: dict[str, Any] = {"__name__": "stranger"}
    exec(compile(text, "stranger.py", "exec"), space)  # noqa: S102 - the test's own text
    (candidate,) = find(space, source, name)
    try:
        return examine(adapt(candidate.update, source=source))
    except CannotRun as failure:
        return cannot_run(candidate.name, failure, source)


COURSE = """
import numpy as np

def initialize_adam(parameters):
    L = len(parameters) // 2
    v, s = {}, {}
    for l in range(L):
        v["dW" + str(l + 1)] = np.zeros(parameters["W" + str(l + 1)].shape)
        v["db" + str(l + 1)] = np.zeros(parameters["b" + str(l + 1)].shape)
        s["dW" + str(l + 1)] = np.zeros(parameters["W" + str(l + 1)].shape)
        s["db" + str(l + 1)] = np.zeros(parameters["b" + str(l + 1)].shape)
    return v, s

def update_parameters_with_adam(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    L = len(parameters) // 2
    v_c, s_c = {}, {}
    for l in range(L):
        for kind in "Wb":
            p, d = kind + str(l + 1), "d" + kind + str(l + 1)
            v[d] = beta1 * v[d] + (1 - beta1) * grads[d]
            v_c[d] = v[d] / (1 - np.power(beta1, t))
            s[d] = beta2 * s[d] + (1 - beta2) * np.power(grads[d], 2)
            s_c[d] = s[d] / (1 - np.power(beta1, t))
            parameters[p] = parameters[p] - learning_rate * v_c[d] / np.sqrt(s_c[d] + epsilon)
    return parameters, v, s, v_c, s_c
"""


def test_dictionaries_of_a_course_with_a_companion():
    told = diagnosed(COURSE)
    assert told.verdict.codes == {"second-corrected-with-beta1", "epsilon-inside-root"}


RIGHT = {
    "globals": (
        "momentum",
        """
        v = 0
        def momentum_update(w, dw, lr):
            global v
            v = 0.9 * v + dw
            return w - lr * v
        """,
    ),
    "default that remembers": (
        "momentum",
        """
        def sgd_with_momentum(params, grads, memory={}, lr=0.1, mu=0.8):
            for i, (p, g) in enumerate(zip(params, grads)):
                memory[i] = mu * memory.get(i, 0) + g
                p -= lr * memory[i]
        """,
    ),
    "config": (
        "rmsprop",
        """
        import numpy as np
        def rmsprop(w, dw, config=None):
            if config is None: config = {}
            config.setdefault("learning_rate", 1e-2)
            config.setdefault("decay_rate", 0.99)
            config.setdefault("epsilon", 1e-8)
            config.setdefault("cache", np.zeros_like(w))
            config["cache"] = config["decay_rate"] * config["cache"] + (1 - config["decay_rate"]) * dw**2
            return w - config["learning_rate"] * dw / (np.sqrt(config["cache"]) + config["epsilon"]), config
        """,
    ),
    "plain numbers": (
        "adagrad",
        """
        import math
        class AdaGrad:
            def __init__(self): self.total = 0.0
            def update(self, x, slope):
                self.total += slope * slope
                return x - 0.1 * slope / (math.sqrt(self.total) + 1e-8)
        """,
    ),
    "layers": (
        "gradient_descent",
        """
        class Optimizer_SGD:
            def __init__(self, learning_rate=0.5): self.learning_rate = learning_rate
            def update_params(self, layer):
                layer.weights += -self.learning_rate * layer.dweights
                layer.biases += -self.learning_rate * layer.dbiases
        """,
    ),
    "parameter objects": (
        "momentum",
        """
        class SGD:
            def __init__(self, params, lr=0.1, momentum=0.9):
                self.params, self.lr, self.momentum = list(params), lr, momentum
                self.velocity = [0 * p.data for p in self.params]
            def step(self):
                for i, p in enumerate(self.params):
                    self.velocity[i] = self.momentum * self.velocity[i] + p.grad
                    p.data -= self.lr * self.velocity[i]
        """,
    ),
    "separate arrays": (
        "gradient_descent",
        """
        def update(w, b, dw, db, alpha):
            w = w - alpha * dw
            b = b - alpha * db
            return w, b
        """,
    ),
    "Chinese": (
        "ema_momentum",
        """
        class 动量优化器:
            def __init__(自己, 学习率=0.01, 动量=0.9):
                自己.学习率, 自己.动量, 自己.速度 = 学习率, 动量, {}
            def 更新(自己, 参数, 梯度):
                for 键 in 参数:
                    自己.速度[键] = 自己.动量 * 自己.速度.get(键, 0) + (1 - 自己.动量) * 梯度[键]
                    参数[键] = 参数[键] - 自己.学习率 * 自己.速度[键]
        """,
    ),
}


@pytest.mark.parametrize("style", RIGHT)
def test_right_code_is_called_right_in_every_style(style):
    rule, text = RIGHT[style]
    told = diagnosed(text)
    assert (told.kind, told.verdict.rule, told.verdict.codes) == ("right", rule, frozenset()), told.verdict.note


def test_code_that_fails_is_told_with_its_line():
    told = diagnosed("def sgd(w, dw, lr=0.1):\n    rate = lr * factor\n    return w - rate * dw\n")
    assert (told.kind, told.verdict.note) == ("cannot_run", "stranger.py:2: NameError: name 'factor' is not defined")


def test_what_a_function_remembers_is_left_as_it_was():
    text = "m = {'n': 3}\ndef step(w, dw, lr=0.1):\n    m['n'] += 1\n    return w - lr * dw\n"
    space: dict[str, Any] = {"__name__": "stranger"}
    exec(text, space)  # noqa: S102 - the test's own text
    held = space["m"]
    assert examine(adapt(space["step"])).kind == "right"
    assert space["m"] is held
    assert held == {"n": 3}


def test_a_diagnosis_survives_as_plain_data():
    told = diagnosed("def step(w, dw, lr=0.1):\n    return w + lr * dw\n")
    again = Diagnosis.from_dict(told.as_dict())
    assert again.as_dict() == told.as_dict()
    assert again.verdict == told.verdict
