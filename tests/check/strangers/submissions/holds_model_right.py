import numpy as np


class NAGTrainer:
    def __init__(self, model, lr=0.01, momentum=0.9):
        self.model = model
        self.lr = lr
        self.mu = momentum

    def step(self):
        for layer in self.model.layers:
            for name, g in layer.grads.items():
                attr = "vel_" + name
                old = getattr(layer, attr, np.zeros_like(g))
                new = self.mu * old - self.lr * g
                setattr(layer, attr, new)
                layer.params[name] += (1 + self.mu) * new - self.mu * old
