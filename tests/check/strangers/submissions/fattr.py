import numpy as np


def adam(x, grad, lr=0.001, beta_1=0.9, beta_2=0.999, eps=1e-7):
    if not hasattr(adam, "t"):
        adam.t = 0
        adam.m = np.zeros_like(x)
        adam.v = np.zeros_like(x)
    adam.t += 1
    adam.m = adam.m * beta_1 + grad * (1 - beta_1)
    adam.v = adam.v * beta_2 + grad * grad * (1 - beta_2)
    alpha = lr * np.sqrt(1 - beta_2 ** adam.t) / (1 - beta_1 ** adam.t)
    return x - alpha * adam.m / (np.sqrt(adam.v) + eps)
