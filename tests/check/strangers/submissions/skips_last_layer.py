import numpy as np


def update_momentum(weights, grads, velocity, lr=0.1, beta=0.9):
    for i in range(len(weights) - 1):
        velocity[i] = beta * velocity[i] + (1 - beta) * grads[i]
        weights[i] = weights[i] - lr * velocity[i]
    return weights, velocity
