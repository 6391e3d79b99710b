import numpy as np


def sgd_momentum(W, b, dW, db, vW, vb, lr=0.01, mu=0.9):
    """W, b, ... are lists with one array per layer"""
    for l in range(len(W)):
        vW[l] = mu * vW[l] + lr * dW[l]
        vb[l] = mu * vb[l] + lr * db[l]
        W[l] -= vW[l]
        b[l] -= vb[l]
    return W, b, vW, vb
