import numpy as np


class Amsgrad:
    def __init__(self, lr=0.001, b1=0.9, b2=0.999, eps=1e-8):
        self.hp = (lr, b1, b2, eps)
        self.memory = {}

    def __getitem__(self, key):
        return self.memory.setdefault(key, [0.0, 0.0, 0.0, 0])

    def new_value(self, key, old, slope):
        lr, b1, b2, eps = self.hp
        cell = self[key]
        cell[3] += 1
        cell[0] = b1 * cell[0] + (1 - b1) * slope
        cell[1] = b2 * cell[1] + (1 - b2) * slope**2
        cell[1] = np.maximum(cell[2], cell[1])
        cell[2] = cell[1]
        return old - lr * cell[0] / (1 - b1 ** cell[3]) / (np.sqrt(cell[2] / (1 - b2 ** cell[3])) + eps)
