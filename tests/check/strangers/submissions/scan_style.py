import numpy as np


def adam_scan_body(carry, grad, *, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8):
    theta, mu, nu, count = carry
    count = count + 1
    mu = b1 * mu + (1.0 - b1) * grad
    nu = b2 * nu + (1.0 - b2) * grad**2
    theta = theta - lr * (mu / (1 - b1**count)) / (np.sqrt(nu) / (1 - b2**count) + eps)
    return (theta, mu, nu, count), theta
