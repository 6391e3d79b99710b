import numpy as np


class Adam:
    def __init__(self, theta, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
        self.theta = theta
        self.lr = lr
        self.betas = betas
        self.eps = eps
        self.m = np.zeros_like(theta)
        self.v = np.zeros_like(theta)
        self.t = 0

    def step(self, grad):
        self.t += 1
        self.m = self.betas[0] * self.m + (1 - self.betas[0]) * grad
        self.v = self.betas[1] * self.v + (1 - self.betas[1]) * grad**2
        m_hat = self.m / (1 - self.betas[0])
        v_hat = self.v / (1 - self.betas[1])
        self.theta += self.lr * m_hat / (np.sqrt(v_hat) + self.eps)
        return self.theta
