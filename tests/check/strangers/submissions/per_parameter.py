import numpy as np


class AdamParam:
    """One of these for every weight array of the network."""

    def __init__(self, value, alpha=0.001):
        self.value = value
        self.first = np.zeros_like(value)
        self.second = np.zeros_like(value)
        self.alpha = alpha
        self.beta_one = 0.9
        self.beta_two = 0.999
        self.eps = 1e-8
        self.n_steps = 0

    def descend(self, grad):
        self.n_steps += 1
        self.first = self.beta_one * self.first + (1 - self.beta_one) * grad
        self.second = self.beta_two * self.second + (1 - self.beta_two) * grad * grad
        first_unbiased = self.first / (1 - self.beta_one ** self.n_steps)
        second_unbiased = self.second / (1 - self.beta_two ** self.n_steps)
        self.value = self.value - self.alpha * first_unbiased / (np.sqrt(second_unbiased) + self.eps)
