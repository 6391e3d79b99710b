import numpy as np


class AdamOptimizer:
    def __init__(self, parameters, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.learning_rate = learning_rate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.t = 0
        self.v = {key: np.zeros_like(value) for key, value in parameters.items()}
        self.s = {key: np.zeros_like(value) for key, value in parameters.items()}

    def update(self, parameters, gradients):
        self.t += 1
        for key in parameters:
            grad = gradients["d" + key]
            self.v[key] = self.beta1 * self.v[key] + (1 - self.beta1) * grad
            self.s[key] = self.beta2 * self.s[key] + (1 - self.beta2) * grad ** 2
            v_hat = self.v[key] / (1 - self.beta1 ** self.t)
            s_hat = self.s[key] / (1 - self.beta2 ** self.t)
            parameters[key] -= self.learning_rate * v_hat / (np.sqrt(s_hat) + self.epsilon)
        return parameters
