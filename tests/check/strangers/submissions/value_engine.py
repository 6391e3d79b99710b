class Value:
    """Scalar with a gradient, as in the tiny autograd engine."""

    def __init__(self, data):
        self.data = data
        self.grad = 0.0


class MomentumSGD:
    def __init__(self, parameters, lr=0.01, mu=0.9):
        self.parameters = parameters
        self.lr, self.mu = lr, mu
        self.v = [0.0 for _ in parameters]

    def zero_grad(self):
        for p in self.parameters:
            p.grad = 0.0

    def step(self):
        for i, p in enumerate(self.parameters):
            self.v[i] = self.mu * self.v[i] + p.grad
            p.data -= self.lr * self.v[i]
