import numpy as np

mu = 0.95
lr = 0.02
v = {}


def update(params, grads):
    """cs231n: v_prev = v; v = mu*v - lr*dx; x += -mu*v_prev + (1+mu)*v"""
    for name, x in params.items():
        v_prev = v.get(name, np.zeros_like(x))
        v[name] = mu * v_prev - lr * grads[name]
        x += -mu * v_prev + (1 + mu) * v[name]
