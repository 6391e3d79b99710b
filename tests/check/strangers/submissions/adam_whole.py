import numpy as np


def adam(grad_f, x0, n_iter=500, lr=0.01, beta1=0.9, beta2=0.999, eps=1e-8):
    """Minimise a function given its gradient. Returns all iterates."""
    x = np.array(x0, dtype=float)
    m, v = np.zeros_like(x), np.zeros_like(x)
    path = [x.copy()]
    for t in range(1, n_iter + 1):
        g = grad_f(x)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        x = x - lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
        path.append(x.copy())
    return np.array(path)
