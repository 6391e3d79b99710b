# -*- coding: utf-8 -*-
"""TP n°4 : réseau de neurones à une couche cachée, optimiseur RMSProp"""
import numpy as np


def initialisation(n0, n1, n2):
    return {
        'W1': np.random.randn(n1, n0),
        'b1': np.zeros((n1, 1)),
        'W2': np.random.randn(n2, n1),
        'b2': np.zeros((n2, 1)),
    }


def propagation(X, parametres):
    Z1 = parametres['W1'].dot(X) + parametres['b1']
    A1 = 1 / (1 + np.exp(-Z1))
    Z2 = parametres['W2'].dot(A1) + parametres['b2']
    A2 = 1 / (1 + np.exp(-Z2))
    return {'A1': A1, 'A2': A2}


def retropropagation(X, y, activations, parametres):
    A1, A2 = activations['A1'], activations['A2']
    m = y.shape[1]
    dZ2 = A2 - y
    dZ1 = np.dot(parametres['W2'].T, dZ2) * A1 * (1 - A1)
    return {'dW1': dZ1.dot(X.T) / m, 'db1': dZ1.sum(axis=1, keepdims=True) / m,
            'dW2': dZ2.dot(A1.T) / m, 'db2': dZ2.sum(axis=1, keepdims=True) / m}


def mise_a_jour_rmsprop(gradients, parametres, cache, taux=0.001, rho=0.9):
    for cle in parametres.keys():
        g = gradients['d' + cle]
        cache[cle] = rho * cache[cle] + (1 - rho) * g * g
        parametres[cle] = parametres[cle] - taux * g / np.sqrt(cache[cle] + 1e-8)
    return parametres, cache


def entrainement(X, y, n1=8, taux=0.01, n_iter=300):
    np.random.seed(0)
    parametres = initialisation(X.shape[0], n1, y.shape[0])
    cache = {c: np.zeros(p.shape) for c, p in parametres.items()}
    pertes = []
    for i in range(n_iter):
        activations = propagation(X, parametres)
        pertes.append(np.mean((activations['A2'] - y) ** 2))
        gradients = retropropagation(X, y, activations, parametres)
        parametres, cache = mise_a_jour_rmsprop(gradients, parametres, cache, taux)
    return parametres, pertes


if __name__ == "__main__":
    X = np.random.randn(2, 100)
    y = (X[0:1] * X[1:2] > 0).astype(float)
    parametres, pertes = entrainement(X, y)
    print(pertes[0], pertes[-1])
