import numpy as np

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8


def adam(theta, g, m, v, t, lr=1e-3):
    m = BETA1 * m + (1 - BETA1) * g
    v = BETA1 * v + (1 - BETA1) * g * g
    m_hat = m / (1 - BETA1**t)
    v_hat = v / (1 - BETA2**t)
    return theta - lr * m_hat / (np.sqrt(v_hat) + EPS), m, v
