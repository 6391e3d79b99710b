import numpy as np

LEARNING_RATE = 0.05
EPS = 1e-7


def adagrad_update(weights, grads, cache):
    for name in weights.keys():
        cache[name] += grads[name] ** 2
        weights[name] += -LEARNING_RATE * grads[name] / (np.sqrt(cache[name]) + EPS)


def train():
    rng = np.random.RandomState(42)
    X = rng.rand(50, 3)
    y = X.dot(np.array([1.5, -2.0, 1.0])) + 0.5
    weights = {"w": np.zeros(3), "b": np.zeros(1)}
    cache = {"w": np.zeros(3), "b": np.zeros(1)}
    for epoch in range(100):
        err = X.dot(weights["w"]) + weights["b"] - y
        grads = {"w": X.T.dot(err) / len(y), "b": np.array([err.mean()])}
        adagrad_update(weights, grads, cache)
    return weights


if __name__ == "__main__":
    print(train())
