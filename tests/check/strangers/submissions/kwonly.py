import numpy as np


def rmsprop(*, gradient, parameter, mean_square, learning_rate=1e-3, decay=0.9, epsilon=1e-8):
    mean_square = decay * mean_square + (1.0 - decay) * np.power(gradient, 2)
    return parameter - learning_rate * gradient / np.sqrt(mean_square + epsilon), mean_square
