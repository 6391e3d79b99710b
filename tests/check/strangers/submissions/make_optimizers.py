import numpy as np


def make_adam(shape, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    m = np.zeros(shape)
    v = np.zeros(shape)
    t = 0

    def step(theta, grad):
        nonlocal m, v, t
        t += 1
        m = beta1 * m + (1 - beta1) * grad
        v = beta2 * v + (1 - beta2) * grad ** 2
        m_hat = m / (1 - beta1 ** t)
        return theta - lr * (m_hat / np.sqrt(v / (1 - beta2 ** t)) + eps)

    return step


if __name__ == "__main__":
    step = make_adam((2,))
    th = np.array([1., -1.])
    for _ in range(100):
        th = step(th, 2 * th)
    print(th)
