import numpy as np


def sgd_update(params, grads, lr=0.1):
    for i in range(len(params)):
        params[i] = params[i] + lr * grads[i]
    return params
