"""Families of writing that names alone do not open: each is found, and follows its rule to the last digits."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest
from tests.check.subjects.following import candidates, distance, subject_of

from thalweg.check.subjects import adapt, words
from thalweg.check.subjects.inline.lifting import lifted

USUAL = {"learning_rate": 0.1, "momentum": 0.9, "rho": 0.9, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
"""What stands in the texts where no name says what it is."""

# What it is like: the rule, and the text.
FAMILIES: dict[str, tuple[str, str]] = {
    "names in Spanish": (
        "adam",
        """
import numpy as np
class Adam:
    def __init__(self, tasa=0.001, b1=0.9, b2=0.999):
        self.tasa, self.b1, self.b2 = tasa, b1, b2
        self.primer, self.segundo, self.cuenta = 0, 0, 0
    def actualizar(self, pesos, gradiente):
        self.cuenta += 1
        self.primer = self.b1*self.primer + (1-self.b1)*gradiente
        self.segundo = self.b2*self.segundo + (1-self.b2)*gradiente**2
        p = self.primer/(1-self.b1**self.cuenta)
        s = self.segundo/(1-self.b2**self.cuenta)
        return pesos - self.tasa*p/(np.sqrt(s)+1e-8)
""",
    ),
    "names in Russian": (
        "momentum",
        """
import numpy as np
class Оптимизатор:
    def __init__(self, скорость_обучения=0.01, инерция=0.9):
        self.ск = скорость_обучения
        self.ин = инерция
        self.накопленное = None
    def обновить(self, веса, град):
        if self.накопленное is None:
            self.накопленное = np.zeros_like(веса)
        self.накопленное = self.ин * self.накопленное + град
        return веса - self.ск * self.накопленное
""",
    ),
    "names that say nothing": (
        "momentum",
        """
def zork(foo, bar, baz, qux=0.1, corge=0.9):
    baz = corge * baz + bar
    foo = foo - qux * baz
    return foo, baz
""",
    ),
    "a class whose names say nothing": (
        "adagrad",
        """
class Blorp:
    def __init__(self, snark=0.1):
        self.snark = snark
        self.pile = 0
    def wiggle(self, thing, nudge):
        self.pile = self.pile + nudge ** 2
        return thing - self.snark * nudge / (self.pile ** 0.5 + 1e-8)
""",
    ),
    "words of mechanics": (
        "momentum",
        """
def kick(position, velocity, force, mass=1.0, friction=0.9, dt=0.1):
    velocity = friction * velocity + force
    position = position - dt * velocity
    return position, velocity
""",
    ),
    "parameters and memory in one tuple": (
        "adam",
        """
import numpy as np
def update(i, g, state):
    x, m, v = state
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g**2
    mh = m / (1 - 0.9 ** (i + 1))
    vh = v / (1 - 0.999 ** (i + 1))
    x = x - 0.1 * mh / (np.sqrt(vh) + 1e-8)
    return x, m, v
""",
    ),
    "parameters and memory in one named tuple": (
        "rmsprop",
        """
from collections import namedtuple
import numpy as np
State = namedtuple("State", "w s")
def rms_step(state, grad, lr=0.01, rho=0.9):
    s = rho * state.s + (1 - rho) * grad ** 2
    return State(state.w - lr * grad / (np.sqrt(s) + 1e-8), s)
""",
    ),
    "settings in a dataclass": (
        "momentum",
        """
from dataclasses import dataclass, field
import numpy as np
@dataclass
class Hyper:
    rate: float = 0.05
    inertia: float = 0.9
@dataclass
class Momentum:
    hyper: Hyper = field(default_factory=Hyper)
    v: np.ndarray = None
    def step(self, w, g):
        self.v = g if self.v is None else self.hyper.inertia * self.v + g
        return w - self.hyper.rate * self.v
""",
    ),
    "a minimizer with a callback": (
        "ema_momentum",
        """
import numpy as np
def minimize_momentum(fun, x0, jac, args=(), lr=0.01, mass=0.9, maxiter=1000, callback=None, **kw):
    x = np.asarray(x0, dtype=float)
    velocity = np.zeros_like(x)
    for i in range(maxiter):
        g = jac(x)
        if callback and callback(x):
            break
        velocity = mass * velocity - (1.0 - mass) * g
        x = x + lr * velocity
    i += 1
    return dict(x=x, fun=fun(x), nit=i, success=True)
""",
    ),
    "the slope hangs on the value": (
        "gradient_descent",
        """
class Parameter:
    def __init__(self, x=None, name=None):
        self.value = x
        self.name = name
    def update(self, x):
        self.value = x
class SGD:
    def __init__(self, parameters, lr=1.0):
        self.parameters = parameters
        self.lr = lr
    def step(self):
        for p in self.parameters:
            if p.value is None:
                continue
            if hasattr(p.value, "derivative"):
                if p.value.derivative is not None:
                    p.update(p.value - self.lr * p.value.derivative)
            elif hasattr(p.value, "grad"):
                if p.value.grad is not None:
                    p.update(p.value - self.lr * p.value.grad)
""",
    ),
    "an optimizer that holds a network of dictionaries": (
        "momentum",
        """
import numpy as np
class Dense:
    def __init__(self, n_in, n_out):
        self.params = {"W": np.random.randn(n_in, n_out), "b": np.zeros(n_out)}
        self.grads = {}
class Network:
    def __init__(self, sizes):
        self.layers = [Dense(a, b) for a, b in zip(sizes[:-1], sizes[1:])]
class MomentumSGD:
    def __init__(self, network, lr=0.01, momentum=0.9):
        self.net, self.lr, self.momentum = network, lr, momentum
        self.buf = [{k: np.zeros_like(p) for k, p in l.params.items()} for l in network.layers]
    def step(self):
        for l, buf in zip(self.net.layers, self.buf):
            for k in l.params:
                buf[k] = self.momentum * buf[k] + l.grads[k]
                l.params[k] -= self.lr * buf[k]
""",
    ),
    "a generator over its iterates": (
        "adam",
        """
import numpy as np
def adam_path(grad, x, lr=0.01, b1=0.9, b2=0.999, n=100):
    m = v = np.zeros_like(x)
    for t in range(1, n + 1):
        g = grad(x)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        x = x - lr * m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + 1e-8)
        yield x
""",
    ),
    "buffers and their length": (
        "momentum",
        """
def momentum_step(w, g, v, n, lr, mu):
    for i in range(n):
        v[i] = mu * v[i] + g[i]
        w[i] -= lr * v[i]
""",
    ),
    "a function kept in a class": (
        "adagrad",
        """
import numpy as np
class Optimizers:
    @staticmethod
    def adagrad(param, grad, cache, lr=0.01, eps=1e-8):
        cache += grad ** 2
        return param - lr * grad / (np.sqrt(cache) + eps), cache
""",
    ),
    "parameters in groups": (
        "momentum",
        """
class SGD:
    def __init__(self, param_groups, lr=0.1, momentum=0.9):
        self.param_groups = param_groups
        self.lr, self.momentum = lr, momentum
        self.state = {}
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                buf = self.state.setdefault(id(p), p.grad * 0)
                buf = self.momentum * buf + p.grad
                self.state[id(p)] = buf
                p.data = p.data - self.lr * buf
""",
    ),
    "keys that only their gradients show to be parameters": (
        "gradient_descent",
        """
import numpy as np
def update_parameters(parameters, gradients, lr):
    parameters['Wax'] += -lr * gradients['dWax']
    parameters['Waa'] += -lr * gradients['dWaa']
    parameters['Wya'] += -lr * gradients['dWya']
    parameters['b'] += -lr * gradients['db']
    parameters['by'] += -lr * gradients['dby']
    return parameters
""",
    ),
    "an index of the layer that is no counter": (
        "momentum",
        """
import numpy as np
class Momentum:
    def __init__(self, n_layers, lr=0.1, beta=0.9):
        self.lr, self.beta = lr, beta
        self.vw = [0] * n_layers
        self.vb = [0] * n_layers
    def update(self, i, w, b, dw, db):
        self.vw[i] = self.beta * self.vw[i] + dw
        self.vb[i] = self.beta * self.vb[i] + db
        return w - self.lr * self.vw[i], b - self.lr * self.vb[i]
""",
    ),
    "nodes that keep value, gradient and momentum": (
        "momentum",
        """
class Node:
    def __init__(self, value):
        self.value = value
        self.gradient = 0.0
        self.momentum = 0.0
class Trainer:
    def __init__(self, nodes, lr=0.1, beta=0.9):
        self.nodes, self.lr, self.beta = nodes, lr, beta
    def step(self):
        for n in self.nodes:
            n.momentum = self.beta * n.momentum + n.gradient
            n.value -= self.lr * n.momentum
""",
    ),
    "a gradient under a name of its own": (
        "adam",
        """
import numpy as np
class Adam:
    def __init__(self, dim, lr=0.01):
        self.dim = dim
        self.lr = lr
        self.t = 0
        self.m = np.zeros(self.dim, dtype=np.float32)
        self.v = np.zeros(self.dim, dtype=np.float32)
    def update(self, theta, globalg):
        self.t += 1
        self.m = 0.9 * self.m + 0.1 * globalg
        self.v = 0.999 * self.v + 0.001 * (globalg * globalg)
        a = self.lr / (1 - 0.9 ** self.t)
        return theta - a * self.m / (np.sqrt(self.v / (1 - 0.999 ** self.t)) + 1e-8)
""",
    ),
    "words of another field": (
        "momentum",
        """
class PortfolioTilter:
    def __init__(self, aggressiveness=0.1, persistence=0.9):
        self.aggressiveness, self.persistence = aggressiveness, persistence
        self.trend = 0.0
    def rebalance(self, allocation, marginal_loss):
        self.trend = self.persistence * self.trend + marginal_loss
        return allocation - self.aggressiveness * self.trend
""",
    ),
    "settings in a class": (
        "adam",
        """
import numpy as np
class HP:
    lr = 0.001
    beta1 = 0.9
    beta2 = 0.999
    eps = 1e-8
def adam(w, g, m, v, t, hp=HP):
    m = hp.beta1 * m + (1 - hp.beta1) * g
    v = hp.beta2 * v + (1 - hp.beta2) * g ** 2
    mh = m / (1 - hp.beta1 ** t)
    vh = v / (1 - hp.beta2 ** t)
    return w - hp.lr * mh / (np.sqrt(vh) + hp.eps), m, v
""",
    ),
    "three functions that belong together": (
        "momentum",
        """
import numpy as np
def sgd_momentum(lr=0.1, mass=0.9):
    def init(x0):
        return x0, np.zeros_like(x0)
    def update(i, g, state):
        x, velocity = state
        velocity = mass * velocity + g
        return x - lr * velocity, velocity
    def get_params(state):
        return state[0]
    return init, update, get_params
""",
    ),
    "names in Polish": (
        "momentum",
        """
def aktualizuj(wagi, gradienty, predkosci, wsp=0.1, bezwladnosc=0.9):
    for i in range(len(wagi)):
        predkosci[i] = bezwladnosc * predkosci[i] + gradienty[i]
        wagi[i] = wagi[i] - wsp * predkosci[i]
    return wagi, predkosci
""",
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_found_and_follows_its_rule(family: str):
    rule, text = FAMILIES[family]
    subject = subject_of(text)
    assert distance(subject, rule, **{k: v for k, v in USUAL.items() if k not in subject.numbers}) < 1e-9


CHOOSING = """
import numpy as np
def update(kind, w, g, state, lr=0.01):
    if kind == "sgd":
        return w - lr * g, state
    if kind in ("momentum", "heavy_ball"):
        state = 0.9 * state + g
        return w - lr * state, state
    raise ValueError(kind)
"""


def test_each_rule_that_a_string_chooses_is_examined():
    found = candidates(CHOOSING)
    assert [one.name for one in found] == ["update(kind='sgd')", "update(kind='momentum')", "update(kind='heavy_ball')"]
    subjects = [adapt(one.update) for one in found]
    assert [one.hint for one in subjects] == ["gradient_descent", "momentum", "momentum"]
    assert distance(subjects[0], "gradient_descent", momentum=0.9) < 1e-12
    assert distance(subjects[1], "momentum", momentum=0.9) < 1e-12


def test_the_rule_of_the_default_comes_first():
    text = """
    class Optimizer:
        def __init__(self, method="momentum", lr=0.1):
            self.method, self.lr, self.v = method, lr, 0
        def step(self, w, g):
            if self.method == "sgd":
                return w - self.lr * g
            elif self.method == "momentum":
                self.v = 0.9 * self.v + g
                return w - self.lr * self.v
    """
    assert [one.name for one in candidates(text)] == ["Optimizer(method='momentum')", "Optimizer(method='sgd')"]


def test_what_is_off_by_default_is_examined_as_well():
    text = """
    class SGD:
        def __init__(self, lr=0.1, momentum=0.0, nesterov=False):
            self.lr, self.momentum, self.nesterov, self.v = lr, momentum, nesterov, 0
        def step(self, w, g):
            self.v = self.momentum * self.v + g
            return w - self.lr * (g + self.momentum * self.v if self.nesterov else self.v)
    """
    found = candidates(text)
    assert [one.name for one in found] == ["SGD", "SGD(momentum=0.9)", "SGD(momentum=0.9, nesterov=True)"]
    rules = ("gradient_descent", "momentum", "nesterov")
    assert [distance(adapt(one.update), rule) < 1e-9 for one, rule in zip(found, rules, strict=True)] == [True] * 3


def test_numbers_are_those_of_the_call_where_there_is_no_default():
    text = """
    def momentum(w, g, v, lr, mu):
        v = mu * v + g
        return w - lr * v, v
    rate = 0.02
    w, v = momentum(1.0, 2.0, 0.0, rate, mu=0.8)
    """
    subject = subject_of(text)
    assert (subject.numbers["learning_rate"], subject.numbers["momentum"]) == (0.02, 0.8)


def test_numbers_are_those_that_the_code_sets_for_missing_keys():
    text = """
    def sgd(w, dw, config=None):
        config = {} if config is None else config
        config.setdefault("learning_rate", 1e-3)
        return w - config["learning_rate"] * dw, config
    """
    assert subject_of(text).numbers["learning_rate"] == 1e-3


def test_the_solution_is_not_looked_for_under_the_gradient():
    text = """
    def descend(fun, x0, jac, rate=0.1, maxiter=100):
        x = x0
        for _ in range(maxiter):
            g = jac(x)
            x = x - rate * g
        return {"jac": x - g, "fun": fun(x), "x": x}
    """
    assert distance(subject_of(text), "gradient_descent") < 1e-9


def test_a_class_that_is_given_an_optimizer_is_none():
    text = """
    class SGD:
        def update(self, w, g):
            return w - 0.1 * g
    class Dense:
        def __init__(self, w, optimizer):
            self.w, self.optimizer = w, optimizer
        def update(self, g):
            self.w = self.optimizer.update(self.w, g)
    """
    assert [one.name for one in candidates(text)] == ["SGD"]


def test_a_string_that_chooses_no_rule_is_left_alone():
    text = """
    def sgd(w, g, lr=0.1, reduction="mean"):
        return w - lr * (g if reduction == "mean" else 24 * g)
    """
    assert [one.name for one in candidates(text)] == ["sgd"]


def test_a_function_that_goes_nowhere_is_no_update():
    text = """
    def mix(u, v, share=0.5):
        return share * u + (1 - share) * v
    def difference(a, b):
        return a - b
    """
    assert candidates(text) == ()


def test_the_rate_is_the_number_that_moves_are_in_proportion_to():
    text = """
    def advance(w, g, v, a, b):
        v = a * v + g
        return w - b * v, v
    advance(1.0, 2.0, 0.0, 0.8, 0.05)
    """
    subject = subject_of(text)
    assert subject.numbers["learning_rate"] == 0.05
    assert distance(subject, "momentum", momentum=0.8) < 1e-9


MISLEADING = {
    "parameters that come back second, beside their step": (
        "ema_momentum",
        """
        def apply(slope, policy, cache, eta=0.1, keep=0.9):
            cache[:] = keep * cache[:] + (1 - keep) * slope
            policy[:] = policy[:] - eta * cache[:]
            return cache, policy
        """,
    ),
    "an average of which the gradient alone is followed": (
        "momentum",
        """
        def update(d, pile, beta, alpha=0.1, keep=0.9):
            pile = keep * pile + d
            beta = beta - alpha * pile
            return beta, pile
        """,
    ),
    "dictionaries under names that say nothing": (
        "momentum",
        """
        def next_value(thing, jac, old, alpha=0.1, beta=0.9):
            for key in thing:
                old[key] = beta * old[key] + jac[key]
                thing[key] = thing[key] - alpha * old[key]
        """,
    ),
    "a gradient called p": ("gradient_descent", "def update(force, p, a=0.1):\n    return force - a * p"),
    "an energy that is a memory": (
        "adagrad",
        """
        def step(target, sens, energy, tasa=0.1, tiny=1e-8):
            energy = energy + sens ** 2
            target = target - tasa * sens / (energy ** 0.5 + tiny)
            return target, energy
        """,
    ),
    "a variance called var": (
        "adagrad",
        """
        def step(value, jac, var, rate=0.1, small=1e-8):
            var = var + jac ** 2
            value = value - rate * jac / (var ** 0.5 + small)
            return value, var
        """,
    ),
    "a counter that only its place as an exponent shows": (
        "adam",
        """
        def optimize(mu, trend, spread, gr, clock, gamma=0.1, b1=0.9, b2=0.999, stab=1e-8):
            trend = b1 * trend + (1 - b1) * gr
            spread = b2 * spread + (1 - b2) * gr ** 2
            mu = mu - gamma * trend / (1 - b1 ** clock) / ((spread / (1 - b2 ** clock)) ** 0.5 + stab)
            return mu, trend, spread
        """,
    ),
}


@pytest.mark.parametrize("case", MISLEADING)
def test_moves_have_the_last_word_where_names_mislead(case: str):
    rule, text = MISLEADING[case]
    subject = subject_of(text)
    assert distance(subject, rule, **{k: v for k, v in USUAL.items() if k not in subject.numbers}) < 1e-9


def test_arrays_with_gradients_of_their_own_are_all_played():
    text = """
    class Adam:
        def __init__(self, lr=0.1):
            self.lr, self.vw, self.vb = lr, 0, 0
        def update(self, w, b, dw, db):
            self.vw = 0.9 * self.vw + 0.1 * dw ** 2
            self.vb = 0.9 * self.vb + 0.1 * db
            return w - self.lr * dw / (self.vw ** 0.5 + 1e-8), b - self.lr * db / (self.vb ** 0.5 + 1e-8)
    """
    subject = subject_of(text)
    moves = np.diff(subject.play(subject.tape()).thetas, axis=0)
    assert np.isnan(moves).any(), "the root of what is not squared is no number: the bias was left out"


def test_a_gradient_that_is_summed_over_a_batch_is_no_parameter():
    text = """
    class Network:
        def __init__(self, sizes):
            self.biases = [np.zeros((y, 1)) for y in sizes[1:]]
            self.weights = [np.zeros((y, x)) for x, y in zip(sizes[:-1], sizes[1:])]
        def update_mini_batch(self, mini_batch, eta):
            nabla_b = [np.zeros(b.shape) for b in self.biases]
            nabla_w = [np.zeros(w.shape) for w in self.weights]
            for x, y in mini_batch:
                delta_nabla_b, delta_nabla_w = self.backprop(x, y)
                nabla_b = [nb + dnb for nb, dnb in zip(nabla_b, delta_nabla_b)]
                nabla_w = [nw + dnw for nw, dnw in zip(nabla_w, delta_nabla_w)]
            self.weights = [w - (eta / len(mini_batch)) * nw for w, nw in zip(self.weights, nabla_w)]
            self.biases = [b - (eta / len(mini_batch)) * nb for b, nb in zip(self.biases, nabla_b)]
    """
    (update,) = lifted("import numpy as np\n" + textwrap.dedent(text))
    assert [name for name, role, _ in update.roles if role == words.PARAMETERS] == ["self_weights", "self_biases"]
