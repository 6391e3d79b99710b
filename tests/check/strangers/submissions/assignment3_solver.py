import numpy as np


def adam(x, dx, config=None):
    """
    Uses the Adam update rule.
    """
    if config is None: config = {}
    config.setdefault('learning_rate', 1e-3)
    config.setdefault('beta1', 0.9)
    config.setdefault('beta2', 0.999)
    config.setdefault('epsilon', 1e-8)
    config.setdefault('m', np.zeros_like(x))
    config.setdefault('v', np.zeros_like(x))
    config.setdefault('t', 0)

    m, v, t = config['m'], config['v'], config['t']
    beta1, beta2 = config['beta1'], config['beta2']

    m = beta1 * m + (1 - beta1) * dx
    v = beta2 * v + (1 - beta2) * dx * dx
    mb = m / (1 - beta1 ** t)
    vb = v / (1 - beta2 ** t)
    next_x = x - config['learning_rate'] * mb / (np.sqrt(vb) + config['epsilon'])
    t += 1

    config['m'], config['v'], config['t'] = m, v, t
    return next_x, config
