import numpy as np


def rosenbrock(p):
    x, y = p
    return (1 - x) ** 2 + 100 * (y - x ** 2) ** 2


def grad_rosenbrock(p):
    x, y = p
    return np.array([-2 * (1 - x) - 400 * x * (y - x ** 2), 200 * (y - x ** 2)])


def gradient_descent(grad, x0, lr=1e-3, n_steps=500):
    path = [x0]
    x = x0.copy()
    for _ in range(n_steps):
        x = x - lr * grad(x)
        path.append(x)
    return np.array(path)


def momentum(grad, x0, lr=1e-3, gamma=0.9, n_steps=500):
    path = [x0]
    x = x0.copy()
    v = np.zeros_like(x)
    for _ in range(n_steps):
        v = gamma * v + lr * grad(x)
        x = x - v
        path.append(x)
    return np.array(path)


def adam(grad, x0, lr=1e-1, b1=0.9, b2=0.999, eps=1e-8, n_steps=500):
    path = [x0]
    x = x0.copy()
    m = np.zeros_like(x)
    v = np.zeros_like(x)
    for i in range(n_steps):
        g = grad(x)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        mhat = m / (1 - b1**(i + 1))
        vhat = v / (1 - b2**(i + 1))
        x = x - lr * mhat / (np.sqrt(vhat) + eps)
        path.append(x)
    return np.array(path)


if __name__ == "__main__":
    start = np.array([-1.5, 1.5])
    for method in (gradient_descent, momentum, adam):
        path = method(grad_rosenbrock, start)
        print(method.__name__, path[-1], rosenbrock(path[-1]))
