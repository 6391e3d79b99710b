from functools import reduce

import numpy as np


def heavy_ball(lr=0.01, beta=0.9):
    def rule(carry, g):
        x, z = carry
        z = beta * z + g
        return x - lr * z, z
    return rule


def run(x0, gradients, rule=heavy_ball()):
    return reduce(rule, gradients, (x0, np.zeros_like(x0)))[0]
