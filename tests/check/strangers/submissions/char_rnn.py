"""
Minimal character-level model, only the update of it. Adagrad with gradient clipping.
"""
import numpy as np

learning_rate = 1e-1


def update(params, dparams, mems):
    for dparam in dparams:
        np.clip(dparam, -5, 5, out=dparam)  # clip to mitigate exploding gradients
    # perform parameter update with Adagrad
    for param, dparam, mem in zip(params, dparams, mems):
        mem += dparam * dparam
        param += -learning_rate * dparam / np.sqrt(mem + 1e-8)  # adagrad update
