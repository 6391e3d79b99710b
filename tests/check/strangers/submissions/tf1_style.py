import numpy as np

# mimics tf.train.MomentumOptimizer / use_nesterov


def apply_momentum(var, accum, lr, grad, momentum, use_nesterov=False):
    accum[...] = accum * momentum + grad
    if use_nesterov:
        var[...] -= grad * lr + accum * momentum * lr
    else:
        var[...] -= accum * lr
