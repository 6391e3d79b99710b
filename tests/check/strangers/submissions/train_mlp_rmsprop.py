import numpy as np


def rmsprop(params, grads, learning_rate=0.001, decay_rate=0.99):
    cache = {k: np.zeros_like(p) for k, p in params.items()}
    for k in params:
        cache[k] = decay_rate * cache[k] + (1 - decay_rate) * grads[k] ** 2
        params[k] -= learning_rate * grads[k] / (np.sqrt(cache[k]) + 1e-5)
    return params


model = {'W1': np.random.randn(20, 8) / 8, 'W2': np.random.randn(20) / np.sqrt(20)}
xs = np.random.randn(100, 8)
ys = (xs[:, 0] > 0).astype(float)
for it in range(100):
    h = np.maximum(0, xs @ model['W1'].T)
    p = 1 / (1 + np.exp(-h @ model['W2']))
    d = (p - ys) / len(ys)
    grads = {'W2': d @ h, 'W1': ((d[:, None] * model['W2']) * (h > 0)).T @ xs}
    model = rmsprop(model, grads)
print(np.mean((p > 0.5) == ys))
