import numpy as np


def adamax(w, g, m, u, t, lr=0.002, beta1=0.9, beta2=0.999):
    m = beta1 * m + (1 - beta1) * g
    u = np.maximum(beta2 * u, np.abs(g)) + 1e-8
    m_hat = m / (1 - beta1 ** t)
    u_hat = u / (1 - beta2 ** t)
    w = w - lr * m_hat / u_hat
    return w, m, u
