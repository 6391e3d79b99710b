import numpy as np


def adadelta(params, grads, G, D, rho=0.9, eps=1e-6):
    for i in range(len(params)):
        G[i] = rho * G[i] + (1 - rho) * grads[i] ** 2
        step = np.sqrt(D[i] + eps) / np.sqrt(G[i] + eps) * grads[i]
        D[i] = rho * D[i] + (1 - rho) * step ** 2
        params[i] = params[i] - step
    return params
