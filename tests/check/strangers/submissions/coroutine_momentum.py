"""Optimizers as coroutines: send a gradient, get back the step to add."""


def momentum(lr, mu):
    v = 0.0
    delta = None
    while True:
        g = yield delta
        v = mu * v + g
        delta = -lr * v


def drive(opt, x, grad, n):
    next(opt)
    for _ in range(n):
        x = x + opt.send(grad(x))
    return x


if __name__ == "__main__":
    print(drive(momentum(0.05, 0.9), 5.0, lambda x: 2 * x, 200))
