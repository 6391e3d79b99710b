# Nadam from the "overview of gradient descent" blog post
import numpy as np


class Nadam:
    def __init__(self, lr=0.002, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.m = self.v = 0
        self.t = 0

    def update(self, theta, grad):
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * grad
        self.v = self.beta2 * self.v + (1 - self.beta2) * grad ** 2
        m_hat = self.m / (1 - self.beta1 ** self.t)
        v_hat = self.v / (1 - self.beta2 ** self.t)
        m_bar = self.beta1 * m_hat + (1 - self.beta1) * grad / (1 - self.beta1 ** self.t)
        return theta - self.lr * m_bar / (np.sqrt(v_hat) + self.eps)
