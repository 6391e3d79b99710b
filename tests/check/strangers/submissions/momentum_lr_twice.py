import numpy as np


class MomentumOptimizer:
    def __init__(self, model_params, learning_rate=0.1, beta=0.9):
        self.model_params = model_params
        self.learning_rate = learning_rate
        self.beta = beta
        self.velocities = {k: np.zeros_like(p) for k, p in model_params.items()}

    def step(self, gradients):
        for name, grad in gradients.items():
            self.velocities[name] = self.beta * self.velocities[name] + self.learning_rate * grad
            self.model_params[name] -= self.learning_rate * self.velocities[name]
