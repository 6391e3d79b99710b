"""Train a logistic regression on a toy problem with our own Adam.

Usage: python adam_in_training.py
"""
import argparse

import numpy as np
import matplotlib.pyplot as plt


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def loss_and_grad(w, X, y):
    p = sigmoid(X @ w)
    loss = -np.mean(y * np.log(p + 1e-12) + (1 - y) * np.log(1 - p + 1e-12))
    return loss, X.T @ (p - y) / len(y)


class AdamOpt:
    def __init__(self, dim, lr=0.05, b1=0.9, b2=0.999, eps=1e-8):
        self.lr, self.b1, self.b2, self.eps = lr, b1, b2, eps
        self.m = np.zeros(dim)
        self.v = np.zeros(dim)
        self.t = 0

    def step(self, w, g):
        self.t += 1
        self.m = self.b1 * self.m + (1 - self.b1) * g
        self.v = self.b2 * self.v + (1 - self.b2) * g ** 2
        m_hat = self.m / (1 - self.b1 ** self.t)
        v_hat = self.v / (1 - self.b2 ** self.t)
        return w - self.lr * m_hat / np.sqrt(v_hat + self.eps)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--plot", action="store_true")
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 5))
    y = (X @ np.array([1.0, -1.0, 0.5, 0.0, 2.0]) > 0).astype(float)
    w = np.zeros(5)
    opt = AdamOpt(5)
    history = []
    for epoch in range(args.epochs):
        loss, g = loss_and_grad(w, X, y)
        w = opt.step(w, g)
        history.append(loss)
    print("final loss", history[-1])
    if args.plot:
        plt.semilogy(history)
        plt.savefig("loss.png")


if __name__ == "__main__":
    main()
