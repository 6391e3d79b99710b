import numpy as np

m = {}
v = {}
t = 1
beta1 = 0.9
beta2 = 0.999
eps = 1e-8


def adam_update(params, grads, lr):
    global m, v, t
    for k in params:
        if k not in m:
            m[k] = np.zeros_like(params[k])
            v[k] = np.zeros_like(params[k])
        m[k] = beta1 * m[k] + (1 - beta1) * grads[k]
        v[k] = beta2 * v[k] + (1 - beta2) * (grads[k] ** 2)
        m_hat = m[k] / (1 - beta1 ** t)
        v_hat = v[k] / (1 - beta2 ** t)
        params[k] = params[k] - lr * m_hat / (np.sqrt(v_hat) + eps)
    return params
