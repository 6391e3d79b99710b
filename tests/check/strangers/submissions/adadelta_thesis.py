import numpy as np


class AdaDelta:
    def __init__(self, shape, rho=0.95, epsilon=1e-6, lr=1.0):
        self.rho = rho
        self.epsilon = epsilon
        self.lr = lr
        self.Eg2 = np.zeros(shape)
        self.Edx2 = np.zeros(shape)

    def RMS(self, x):
        return np.sqrt(x + self.epsilon)

    def delta(self, g):
        self.Eg2 = self.rho * self.Eg2 + (1 - self.rho) * g * g
        dx = -self.RMS(self.Edx2) / self.RMS(self.Eg2) * g
        self.Edx2 = self.rho * self.Edx2 + (1 - self.rho) * dx * dx
        return self.lr * dx
