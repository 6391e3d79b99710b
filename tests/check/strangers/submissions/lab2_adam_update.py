import numpy as np


def init_adam(params):
    m, v = {}, {}
    for key in params:
        m[key] = np.zeros_like(params[key])
        v[key] = np.zeros_like(params[key])
    return m, v, 0


def update_adam(params, grads, m, v, t, learning_rate=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    t += 1
    for key in params:
        m[key] = beta1 * m[key] + (1 - beta1) * grads[key]
        v[key] = beta2 * v[key] + (1 - beta2) * grads[key]**2
        m_hat = m[key] / (1 - beta1**t)
        v_hat = v[key] / (1 - beta2**t)
        params[key] -= learning_rate * m[key] / (np.sqrt(v_hat) + eps)
    return params, m, v, t


params = {'W': np.random.randn(2, 2), 'b': np.random.randn(2)}
m, v, t = init_adam(params)
for _ in range(3):
    params, m, v, t = update_adam(params, {k: 2 * p for k, p in params.items()}, m, v, t)
print(params)
