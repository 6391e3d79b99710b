import numpy as np


def lion_step(weights, gradients, memory, rate=1e-4, beta_update=0.9, beta_memory=0.99):
    new_weights, new_memory = {}, {}
    for name in weights:
        direction = beta_memory * memory[name] + (1 - beta_memory) * gradients[name]
        new_memory[name] = beta_update * memory[name] + (1 - beta_update) * gradients[name]
        new_weights[name] = weights[name] - rate * np.sign(direction)
    return new_weights, new_memory
