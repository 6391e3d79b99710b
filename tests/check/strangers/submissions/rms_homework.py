# HW4 Problem 2(c): implement RMSProp
import numpy as np


def rmsprop_update(theta, grad, sq_avg, lr=0.01, rho=0.9, eps=1e-6):
    sq_avg = rho * sq_avg + (1 - rho) * grad * grad
    theta = theta - lr * grad / (sq_avg + eps)
    return theta, sq_avg


if __name__ == "__main__":
    th, s = np.array([5.0, -3.0]), np.zeros(2)
    for it in range(1000):
        th, s = rmsprop_update(th, 2 * th, s)
    print(th)
