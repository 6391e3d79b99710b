import numpy as np


class Network:
    """Weights and biases in lists, as in the online book; momentum added for the exercise."""

    def __init__(self, sizes, mu=0.9):
        self.sizes = sizes
        rng = np.random.default_rng(3)
        self.weights = [rng.normal(size=(y, x)) for x, y in zip(sizes[:-1], sizes[1:])]
        self.biases = [np.zeros((y, 1)) for y in sizes[1:]]
        self.mu = mu
        self.vel_w = [np.zeros_like(w) for w in self.weights]
        self.vel_b = [np.zeros_like(b) for b in self.biases]

    def apply(self, nabla_w, nabla_b, eta):
        self.vel_w = [self.mu * v - eta * nw for v, nw in zip(self.vel_w, nabla_w)]
        self.vel_b = [self.mu * v - eta * nb for v, nb in zip(self.vel_b, nabla_b)]
        self.weights = [w + v for w, v in zip(self.weights, self.vel_w)]
        self.biases = [b + v for b, v in zip(self.biases, self.vel_b)]
