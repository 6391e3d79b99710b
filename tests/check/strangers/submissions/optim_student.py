import numpy as np


def rmsprop(x, dx, config=None):
  if config is None: config = {}
  config.setdefault('learning_rate', 1e-2)
  config.setdefault('decay_rate', 0.99)
  config.setdefault('epsilon', 1e-8)
  config.setdefault('cache', np.zeros_like(x))

  cache, rho = config['cache'], config['decay_rate']
  cache = rho * cache + (1 - rho) * dx ** 2
  next_x = x - config['learning_rate'] * dx / (np.sqrt(cache) + config['epsilon'])

  return next_x, config


def adam(x, dx, config=None):
  if config is None: config = {}
  config.setdefault('learning_rate', 1e-3)
  config.setdefault('beta1', 0.9)
  config.setdefault('beta2', 0.999)
  config.setdefault('epsilon', 1e-8)
  config.setdefault('m', np.zeros_like(x))
  config.setdefault('v', np.zeros_like(x))
  config.setdefault('t', 1)

  beta1, beta2, eps, t = config['beta1'], config['beta2'], config['epsilon'], config['t']
  config['t'] = t = t + 1
  config['m'] = m = beta1 * config['m'] + (1 - beta1) * dx
  config['v'] = v = beta2 * config['v'] + (1 - beta2) * dx ** 2
  m_unbiased = m / (1 - beta1 ** t)
  v_unbiased = v / (1 - beta2 ** t)
  next_x = x - config['learning_rate'] * m_unbiased / (np.sqrt(v_unbiased) + eps)
  return next_x, config
