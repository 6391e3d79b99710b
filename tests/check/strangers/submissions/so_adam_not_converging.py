# Question: my adam implementation diverges after some hundred iterations, SGD works fine. What is wrong?
import numpy as np


def f_grad(x):
    return np.array([2 * x[0], 20 * x[1]])


def adam(x, n=20, alpha=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    m = np.zeros(len(x))
    v = np.zeros(len(x))
    for t in range(1, n + 1):
        g = f_grad(x)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g ** 2
        m_hat = m / (1 - beta1) ** t
        v_hat = v / (1 - beta2) ** t
        x = x - alpha * m_hat / (np.sqrt(v_hat) + eps)
    return x


print(adam(np.array([1.0, 1.0])))
