from typing import Generic, TypeVar

import numpy as np

T = TypeVar("T")


class Stateful(Generic[T]):
    def __init__(self, state: T):
        self.state: T = state


class Lion(Stateful[np.ndarray]):
    def __init__(self, shape, lr=3e-5, b1=0.9, b2=0.99, wd=0.1):
        super().__init__(np.zeros(shape))
        self.lr, self.b1, self.b2, self.wd = lr, b1, b2, wd

    def delta(self, w, g):
        c = np.sign(self.b1 * self.state + (1 - self.b1) * g)
        self.state = self.b2 * self.state + (1 - self.b2) * g
        return -self.lr * (c + self.wd * w)
