"""Updates that stand inside loops and methods: what is lifted out of them, and what the doctor says of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest

import thalweg
from thalweg.check.child.messages import Question
from thalweg.check.child.optimizers import examined
from thalweg.check.subjects.inline import Lifted, lifted
from thalweg.check.subjects.subject import CannotRun
from thalweg.check.written import Written

SCRIPT = """
    import numpy as np
    table = np.loadtxt("somewhere.csv")
    x, y = table[:, 0], table[:, 1]
    w, b = 0.0, 0.0
    s_w = s_b = 0.0
    rate, decay, tiny = 0.05, 0.9, 1e-8
    seen = []
    for epoch in range(40):
        guess = w * x + b
        error = guess - y
        seen.append((error ** 2).mean())
        dw = 2 * (error * x).mean()
        db = 2 * error.mean()
        s_w = decay * s_w + (1 - decay) * dw ** 2
        s_b = decay * s_b + (1 - decay) * db ** 2
        w -= rate * dw / (np.sqrt(s_w) + tiny)
        b -= rate * db / (np.sqrt(s_b) + tiny)
        if epoch % 10 == 0:
            print(epoch, seen[-1])
    print(w, b)
"""

CLASS = """
    import numpy as np

    class Line:
        def __init__(self, alpha=0.1, mu=0.9, rounds=50):
            self.alpha = alpha
            self.mu = mu
            self.rounds = rounds

        def fit(self, X, y):
            self.theta = np.zeros(X.shape[1])
            speed = np.zeros(X.shape[1])
            for _ in range(self.rounds):
                slope = X.T @ (X @ self.theta - y) / len(y)
                speed = self.mu * speed + slope
                self.theta = self.theta - self.alpha * speed
            return self

        def predict(self, X):
            return X @ self.theta
"""

METHOD = """
    import numpy as np

    class Unit:
        def __init__(self, size, lr=0.01):
            self.lr, self.b1, self.b2 = lr, 0.9, 0.999
            self.weights = np.zeros(size)
            self.begin()

        def begin(self):
            self.m = np.zeros_like(self.weights)
            self.v = np.zeros_like(self.weights)
            self.t = 0

        def train(self, X, y):
            for row, target in zip(X, y):
                self.move((row @ self.weights - target) * row)

        def move(self, grad):
            self.t += 1
            self.m = self.b1 * self.m + (1 - self.b1) * grad
            self.v = self.b2 * self.v + (1 - self.b2) * grad ** 2
            first = self.m / (1 - self.b1 ** self.t)
            second = self.v / (1 - self.b2 ** self.t)
            self.weights -= self.lr * first / (np.sqrt(second) + 1e-8)

        def __call__(self, X):
            return X @ self.weights
"""

BATCHES = """
    import numpy as np
    from somewhere import load

    def learn(rows, marks, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8, batch_size=32, epochs=5):
        W1 = np.random.randn(rows.shape[1], 8); b1 = np.zeros(8)
        W2 = np.random.randn(8, 3); b2 = np.zeros(3)
        mW1 = vW1 = np.zeros_like(W1)
        mb1 = vb1 = np.zeros_like(b1)
        mW2 = vW2 = np.zeros_like(W2)
        mb2 = vb2 = np.zeros_like(b2)
        n = 0
        for epoch in range(epochs):
            order = np.random.permutation(len(rows))
            for start in range(0, len(rows), batch_size):
                xb, yb = rows[order[start:start + batch_size]], marks[order[start:start + batch_size]]
                hidden = np.tanh(xb @ W1 + b1)
                out = softmax(hidden @ W2 + b2)
                last = (out - yb) / len(xb)
                dW2 = hidden.T @ last
                db2 = last.sum(axis=0)
                first = (last @ W2.T) * (1 - hidden ** 2)
                dW1 = xb.T @ first
                db1 = first.sum(axis=0)
                n += 1
                mW1 = beta1 * mW1 + (1 - beta1) * dW1; vW1 = beta2 * vW1 + (1 - beta2) * dW1 ** 2
                mb1 = beta1 * mb1 + (1 - beta1) * db1; vb1 = beta2 * vb1 + (1 - beta2) * db1 ** 2
                mW2 = beta1 * mW2 + (1 - beta1) * dW2; vW2 = beta2 * vW2 + (1 - beta2) * dW2 ** 2
                mb2 = beta1 * mb2 + (1 - beta1) * db2; vb2 = beta2 * vb2 + (1 - beta2) * db2 ** 2
                rate = lr * np.sqrt(1 - beta2 ** n) / (1 - beta1 ** n)
                W1 -= rate * mW1 / (np.sqrt(vW1) + eps)
                b1 -= rate * mb1 / (np.sqrt(vb1) + eps)
                W2 -= rate * mW2 / (np.sqrt(vW2) + eps)
                b2 -= rate * mb2 / (np.sqrt(vb2) + eps)
        return W1, b1, W2, b2

    def softmax(scores):
        grown = np.exp(scores - scores.max(axis=1, keepdims=True))
        return grown / grown.sum(axis=1, keepdims=True)
"""

EXERCISE = """
    import numpy as np

    def descend(X, y, theta, alpha, num_iters):
        m = len(y)
        costs = np.zeros(num_iters)
        for i in range(num_iters):
            h = X.dot(theta)
            theta = theta {sign} (alpha / m) * X.T.dot({difference})
            costs[i] = np.sum((h - y) ** 2) / (2 * m)
        return theta, costs
"""

AHEAD = """
    import numpy as np

    class Ahead:
        def fit(self, X, y):
            theta, v = np.zeros(X.shape[1]), np.zeros(X.shape[1])
            for _ in range(10):
                g = X.T @ (X @ (theta - 0.9 * v) - y)
                v = 0.9 * v + 0.1 * g
                theta = theta - v
            return theta
"""


def text(given: str, **changes: str) -> str:
    return dedent(given.format(**changes) if changes else given).lstrip("\n")


def only(written: str, name: str | None = None) -> Lifted:
    (found,) = lifted(written, name)
    return found


def roles(update: Lifted) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, role, _ in update.roles:
        found.setdefault(role, []).append(name)
    return found


@pytest.fixture(autouse=True)
def _module() -> Iterator[None]:
    """What is examined is a module for as long, and its folder is on the path."""
    path = [*sys.path]
    yield
    sys.path[:] = path
    sys.modules.pop("examined", None)


def told(written: str) -> dict[str, Any]:
    kept: list[Any] = []
    examined(Question(path="file.py"), Written("file.py", written), kept.append)
    (one,) = kept
    return dict(one)


def codes(one: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in one["verdict"]["mistakes"]]


def mends(one: dict[str, Any]) -> list[tuple[int, str]]:
    return [(mend["line"], mend["right"].strip()) for mend in one["mends"]]


# ---- what is lifted ------------------------------------------------------------------------------------------------


def test_a_script_gives_its_names() -> None:
    update = only(text(SCRIPT))
    assert update.line == 8
    assert roles(update) == {
        "parameters": ["w", "b"],
        "gradients": ["dw", "db"],
        "memory": ["s_b", "s_w"],
        "count": ["step_count"],
    }
    assert {name: part for name, _, part in update.roles if part is not None} == {
        "w": 0, "b": 1, "dw": 0, "db": 1, "s_w": 0, "s_b": 1,
    }  # fmt: skip


def test_the_lines_of_the_update_are_the_authors_under_their_numbers() -> None:
    written = text(SCRIPT).split("\n")
    made = only("\n".join(written)).text.split("\n")
    assert made[13:17] == written[13:17]
    assert not any("error" in line or "print" in line for line in made)


def test_attributes_become_names_and_back() -> None:
    update = only(text(CLASS))
    assert update.name == "Line.fit"
    assert roles(update)["parameters"] == ["self_theta"]
    assert roles(update)["learning_rate"] == ["self_alpha"]
    assert "self_alpha=0.1" in update.text
    line = "        self_theta = self_theta - self_alpha * speed"
    assert update.as_written(line) == "        self.theta = self.theta - self.alpha * speed"


def test_a_method_that_is_given_gradients() -> None:
    update = only(text(METHOD))
    assert (update.name, update.line) == ("Unit.move", 18)
    found = roles(update)
    assert (found["parameters"], found["gradients"], found["memory"]) == (
        ["self_weights"], ["grad"], ["self_m", "self_v"],
    )  # fmt: skip
    assert "self_t = step_count-1" in update.text


def test_a_network_in_batches() -> None:
    found = roles(only(text(BATCHES)))
    assert found["parameters"] == ["W1", "b1", "W2", "b2"]
    assert found["gradients"] == ["dW1", "db1", "dW2", "db2"]
    assert len(found["memory"]) == 8
    assert set(found) == {"parameters", "gradients", "memory", "count", "learning_rate", "beta1", "beta2", "epsilon"}


def test_only_the_part_that_is_asked_for() -> None:
    both = text(SCRIPT) + "\n" + text(CLASS)
    assert [one.name for one in lifted(both)] == ["", "Line.fit"]
    assert [one.name for one in lifted(both, "Line")] == ["Line.fit"]
    assert [one.name for one in lifted(both, "Lin")] == []
    assert [one.name for one in lifted(both, "Line.fit")] == ["Line.fit"]


@pytest.mark.parametrize(
    "written",
    [
        "for k in range(10):\n    print(k)\n",
        "total = 0\nfor k in range(10):\n    total += k\n",
        "import numpy as np\nx = np.ones(3)\nfor k in range(3):\n    x = np.tanh(x @ np.eye(3))\n",
        """class Net:
    def forward(self, x):
        for W, b in zip(self.Ws, self.bs):
            x = np.tanh(x @ W + b)
        return x
""",
        """best = None
for lr in [0.1, 0.01]:
    score = train(lr)
    if best is None or score < best:
        best = score
""",
    ],
    ids=["prints", "sums", "powers", "forward pass", "search"],
)
def test_what_moves_no_parameters_by_gradients_is_none(written: str) -> None:
    assert lifted(written) == ()


def test_a_gradient_asked_for_ahead_of_what_is_made_elsewhere_cannot_be_followed() -> None:
    with pytest.raises(CannotRun, match="ahead of the parameters"):
        lifted(text(AHEAD).replace("theta - 0.9 * v", "theta - lead(v)"))


EPOCHS = """
    import numpy as np

    def fit_with_adam(X, y, lr=0.001, beta1=0.9, beta2=0.999):
        w = np.zeros(X.shape[1])
        m = v = np.zeros(X.shape[1])
        for epoch in range(1, 11):
            for start in range(0, len(X), 32):
                rows, marks = X[start:start + 32], y[start:start + 32]
                g = rows.T @ (rows @ w - marks) / len(rows)
                m = beta1 * m + (1 - beta1) * g
                v = beta2 * v + (1 - beta2) * g ** 2
                w -= lr * (m / (1 - beta1 ** epoch)) / (np.sqrt(v / (1 - beta2 ** epoch)) + 1e-8)
        return w
"""

ELEMENTS = """
    import numpy as np
    class Neuron:
        def __init__(self, eta=0.01):
            self.eta = eta

        def fit(self, X, y):
            self.w_ = np.zeros(1 + X.shape[1])
            for _ in range(10):
                errors = y - self.net_input(X)
                self.w_[1:] += self.eta * X.T.dot(errors)
                self.w_[0] += self.eta * errors.sum()
            return self

        def net_input(self, X):
            return np.dot(X, self.w_[1:]) + self.w_[0]
"""

KEYS = """
    from course import backward, forward

    def model(X, Y, layers_dims, learning_rate=0.01, beta=0.9):
        parameters, v = start(layers_dims), {}
        L = len(layers_dims)
        for i in range(100):
            a, caches = forward(X, parameters)
            grads = backward(X, Y, caches)
            for l in range(1, L):
                for p in ("W", "b"):
                    k = "d" + p + str(l)
                    v[k] = beta * v[k] + (1 - beta) * grads[k]
                    parameters[p + str(l)] -= learning_rate * v[k]
        return parameters
"""

WALK = """
    import numpy as np
    lr = 0.001
    for step in range(1000):
        grads = backprop(params, X, Y)
        for i, (p, g) in enumerate(zip(params, grads)):
            cache[i] = 0.9 * cache[i] + 0.1 * g * g
            p -= lr * g / (np.sqrt(cache[i]) + 1e-8)
"""

MANY = """
    import numpy as np
    while True:
        loss, dWx, dWh = lossFun(data)
        for param, dparam, mem in zip([Wx, Wh], [dWx, dWh], [mWx, mWh]):
            mem += dparam * dparam
            param += -learning_rate * dparam / np.sqrt(mem + 1e-8)
"""

LAYERS = """
    import numpy as np
    class Net:
        def __init__(self, lr=0.1):
            self.lr = lr

        def backward(self, y):
            delta = self.a[-1] - y
            for i in reversed(range(len(self.W))):
                dW = self.a[i].T @ delta
                db = delta.sum(axis=0)
                delta = delta @ self.W[i].T
                self.vW[i] = 0.9 * self.vW[i] + dW
                self.vb[i] = 0.9 * self.vb[i] + db
                self.W[i] -= self.lr * self.vW[i]
                self.b[i] -= self.lr * self.vb[i]
"""

SAMPLES = """
    def learn(x, y, w0, w1, alpha, iters):
        n = len(x)
        for it in range(iters):
            sum0 = sum1 = 0
            for i in range(n):
                h = w0 + w1 * x[i]
                sum0 += h - y[i]
                sum1 += (h - y[i]) * x[i]
            w0 = w0 - alpha * sum0 / n
            w1 = w1 - alpha * sum1 / n
        return w0, w1
"""


@pytest.mark.parametrize(
    ("written", "parameters", "slopes", "memory"),
    [
        (ELEMENTS, 2, 2, []),
        (KEYS, 1, 1, ["v"]),
        (WALK, 1, 1, ["cache"]),
        (MANY, 1, 1, ["mem"]),
        (LAYERS, 2, 2, ["self_vW_", "self_vb_"]),
        (SAMPLES, 2, 2, []),
    ],
    ids=["elements", "keys", "walk", "many", "layers", "samples"],
)
def test_ways_of_writing(written: str, parameters: int, slopes: int, memory: list[str]) -> None:
    found = roles(only(text(written)))
    assert (len(found["parameters"]), len(found["gradients"])) == (parameters, slopes)
    assert found.get("memory", []) == memory


def test_a_line_has_a_slope_that_is_no_moment() -> None:
    line = """
        m, c, L = 0, 0, 0.1
        n = float(len(X))
        for i in range(100):
            seen = m * X + c
            D_m = (-2 / n) * sum(X * (Y - seen))
            D_c = (-2 / n) * sum(Y - seen)
            m = m - L * D_m
            c = c - L * D_c
    """
    found = roles(only(text(line)))
    assert (found["parameters"], found["gradients"]) == (["m", "c"], ["D_m", "D_c"])
    assert "memory" not in found


def test_a_method_that_sums_over_a_mini_batch() -> None:
    network = """
        import numpy as np

        class Network:
            def __init__(self, sizes):
                self.weights = [np.zeros((y, x)) for x, y in zip(sizes[:-1], sizes[1:])]

            def update_mini_batch(self, mini_batch, eta):
                nabla_w = [np.zeros(w.shape) for w in self.weights]
                for x, y in mini_batch:
                    delta_nabla_w = self.backprop(x, y)
                    nabla_w = [nw + dnw for nw, dnw in zip(nabla_w, delta_nabla_w)]
                self.weights = [w - (eta / len(mini_batch)) * nw for w, nw in zip(self.weights, nabla_w)]

            def backprop(self, x, y):
                return [np.outer(w @ x - y, x) for w in self.weights]
    """
    update = only(text(network))
    found = roles(update)
    assert (found["parameters"], found["gradients"]) == (["self_weights"], ["nabla_w"])
    assert "rows_of_mini_batch=1.0" in update.text
    last = "        self.weights = [w - (eta / len(mini_batch)) * nw for w, nw in zip(self.weights, nabla_w)]"
    assert last in [update.as_written(one) for one in update.text.split("\n")]


def test_a_counter_that_every_epoch_begins_anew() -> None:
    anew = text(EPOCHS).replace("        for start", "        t = 0\n        for start").replace("** epoch", "** t")
    anew = anew.replace("            g = rows", "            t += 1\n            g = rows")
    assert "t = (step_count - 1) % 10" in only(anew).text


def test_a_rate_that_nothing_reads_is_missed() -> None:
    forgotten = (
        text(SCRIPT).replace("rate * ", "").replace("rate, decay, tiny = 0.05", "learning_rate, decay, tiny = 0.05")
    )
    assert codes(told(forgotten)) == ["rate-missing"]


@pytest.mark.parametrize(
    ("written", "line"),
    [
        (ELEMENTS, "            self.w_[1:] += self.eta * X.T.dot(errors)"),
        (LAYERS, "            self.vW[i] = 0.9 * self.vW[i] + dW"),
    ],
)
def test_lines_are_given_back_as_they_were(written: str, line: str) -> None:
    update = only(text(written))
    assert line.strip() in [update.as_written(one).strip() for one in update.text.split("\n")]


def test_a_negative_error_is_a_negative_gradient() -> None:
    assert "+= self_eta * (-gradient_1)" in only(text(ELEMENTS)).text
    assert "-gradient" not in only(text(ELEMENTS).replace("y - self", "-y + self")).text


def test_a_rate_that_falls_by_a_count_and_is_kept_cannot_be_followed() -> None:
    assert len(lifted(text(WALK) + "    lr = lr * 0.99\n")) == 1
    with pytest.raises(CannotRun, match="changes its learning rate"):
        lifted(text(WALK) + "    lr = lr / (1 + 0.01 * step)\n")


# ---- what is said of it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (SCRIPT, "right rmsprop"),
        (CLASS, "right momentum"),
        (METHOD, "right adam"),
        (BATCHES, "same adam"),
        (AHEAD, "right nesterov"),
    ],
    ids=["script", "class", "method", "batches", "ahead"],
)
def test_right_ones_are_right(written: str, expected: str) -> None:
    verdict = told(text(written))["verdict"]
    assert f"{verdict['kind']} {verdict['rule']}" == expected


def test_a_mend_is_a_line_of_the_author() -> None:
    one = told(text(METHOD).replace("(1 - self.b2 ** self.t)", "(1 - self.b1 ** self.t)"))
    assert codes(one) == ["second-corrected-with-beta1"]
    assert mends(one) == [(23, "second = self.v / (1 - self.b2 ** self.t)")]


def test_a_correction_that_is_missing_is_written_with_what_the_loop_counts() -> None:
    adam = text(CLASS).replace("speed = self.mu * speed + slope", "speed = 0.9 * speed + 0.1 * slope")
    adam = adam.replace("self.theta - self.alpha * speed", "self.theta - self.alpha * speed / (0.001 + abs(speed))")
    assert "step_count" in only(adam).text
    for loop, written in (("for k in range(1, 51)", "k"), ("for k in range(50)", "(k + 1)")):
        update = only(adam.replace("for _ in range(self.rounds)", loop))
        assert update.as_written("1 - beta ** step_count") == f"1 - beta ** {written}"


@pytest.mark.parametrize(
    ("sign", "difference", "kind"),
    [("-", "h - y", "right"), ("+", "y - h", "right"), ("+", "h - y", "wrong"), ("-", "y - h", "wrong")],
)
def test_the_sign_of_the_error_says_whether_it_is_the_gradient(sign: str, difference: str, kind: str) -> None:
    one = told(text(EXERCISE, sign=sign, difference=difference))
    assert one["name"] == "descend"
    assert (one["verdict"]["kind"], one["verdict"]["rule"]) == (kind, "gradient_descent")
    assert codes(one) == (["uphill"] if kind == "wrong" else [])


def test_a_difference_of_unknown_sign_is_taken_so_that_it_descends() -> None:
    unnamed = text(EXERCISE, sign="+", difference="some - other").replace("h = X.dot(theta)", "other = X.dot(theta)")
    verdict = told(unnamed.replace("(h - y)", "(other - some)").replace("X, y, theta", "X, some, theta"))["verdict"]
    assert verdict["kind"] == "right"
    assert verdict["note"] == "what it adds is taken for the negative gradient"


def test_a_correction_by_epochs_in_a_loop_over_batches() -> None:
    by_epochs = (
        text(BATCHES).replace("n += 1", "pass").replace("** n", "** epoch").replace("range(epochs)", "range(1, 9)")
    )
    update = only(by_epochs)
    assert "epoch = (step_count - 1) // 10+1" in update.text
    assert codes(told(by_epochs)) == ["counted-in-epochs"]


def test_momentum_that_has_no_effect_is_a_mistake() -> None:
    assert codes(told(text(CLASS).replace("self.alpha * speed", "self.alpha * slope"))) == ["state-made-anew"]


def test_what_trains_with_an_update_beside_it_is_not_told() -> None:
    written = """
        import numpy as np

        def step(w, g, lr=0.1):
            return w - lr * g

        def gradient_descent(X, y, alpha, iterations):
            w = np.zeros(X.shape[1])
            for k in range(iterations):
                w = step(w, X.T @ (X @ w - y), alpha)
            return w
    """
    assert told(text(written))["name"] == "step"


def test_a_function_that_can_be_played_is_examined_instead() -> None:
    written = "def step(w, g, lr=0.1):\n    return w - lr * g\n\n" + text(SCRIPT)
    assert told(written)["name"] == "step"


def test_the_place_of_a_loop_is_its_name() -> None:
    assert told(text(SCRIPT))["name"] == "line 8"


# ---- in this process -----------------------------------------------------------------------------------------------


def trained_by_hand(X, y, lr=0.1, beta1=0.9, beta2=0.999):
    w = np.zeros(X.shape[1])
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t in range(1, 11):
        g = X.T @ (X @ w - y) / len(y)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g
        w -= lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + 1e-8)
    return w


def test_a_function_that_trains_is_diagnosed_in_its_own_lines() -> None:
    made = thalweg.diagnose(trained_by_hand)
    assert made.name == "trained_by_hand"
    assert [finding.code for finding in made.verdict.mistakes] == ["not-squared"]
    assert [mend.found.strip() for mend in made.mends] == ["v = beta2 * v + (1 - beta2) * g"]
    lines = Path(__file__).read_text(encoding="utf-8").split("\n")
    assert lines[made.mends[0].line - 1] == made.mends[0].found
