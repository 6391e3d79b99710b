import numpy as np


class Variable:
    def __init__(self, value, name=""):
        self.value = np.array(value, dtype="float64")
        self.name = name

    def assign_sub(self, delta):
        self.value -= delta

    @property
    def shape(self):
        return self.value.shape


class RMSprop:
    def __init__(self, learning_rate=0.001, rho=0.9, momentum=0.5, epsilon=1e-7):
        self.learning_rate = learning_rate
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self._rms = {}
        self._mom = {}

    def apply_gradients(self, grads_and_vars):
        for grad, var in grads_and_vars:
            key = id(var)
            if key not in self._rms:
                self._rms[key] = np.zeros(var.shape)
                self._mom[key] = np.zeros(var.shape)
            self._rms[key] = self.rho * self._rms[key] + (1.0 - self.rho) * np.square(grad)
            self._mom[key] = self.momentum * self._mom[key] + self.learning_rate * grad / (np.sqrt(self._rms[key]) + self.epsilon)
            var.assign_sub(self._mom[key])


if __name__ == "__main__":
    v = Variable([1.0, 2.0, 3.0])
    opt = RMSprop(0.01)
    for i in range(100):
        opt.apply_gradients([(2 * v.value, v)])
    print(v.value)
