import numpy as np


class Adam:
    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.iterations = 0
        self._built = False

    def build(self, variables):
        self._momentums = [np.zeros_like(v) for v in variables]
        self._velocities = [np.zeros_like(v) for v in variables]
        self._built = True

    def apply_gradients(self, grads_and_vars):
        grads_and_vars = list(grads_and_vars)
        if not self._built:
            self.build([v for _, v in grads_and_vars])
        for i, (g, v) in enumerate(grads_and_vars):
            self.update_step(g, v, i)
        self.iterations += 1

    def update_step(self, gradient, variable, i):
        local_step = self.iterations + 1
        beta_1_power = self.beta_1 ** local_step
        beta_2_power = self.beta_2 ** local_step
        m = self._momentums[i]
        v = self._velocities[i]
        alpha = self.learning_rate * np.sqrt(1 - beta_2_power) / (1 - beta_1_power)
        m += (gradient - m) * (1 - self.beta_1)
        v += (np.square(gradient) - v) * (1 - self.beta_2)
        variable -= (m * alpha) / (np.sqrt(v) + self.epsilon)
