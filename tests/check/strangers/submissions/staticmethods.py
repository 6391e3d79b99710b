import numpy as np


class Opt:
    @staticmethod
    def sgd(w, g, lr=0.1):
        return w - lr * g

    @staticmethod
    def momentum(w, g, v, lr=0.01, b=0.9):
        v = b * v + g
        return w - lr * v, v

    @staticmethod
    def rms(w, g, s, lr=0.001, b=0.9, e=1e-8):
        s = b * s + (1 - b) * g ** 2
        return w - lr * g / (np.sqrt(s) + e), s
