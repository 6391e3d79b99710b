import numpy as np
ema = lambda beta: (lambda old, new: beta * old + (1 - beta) * new)
first, second = ema(0.9), ema(0.999)
debias = lambda x, beta, t: x / (1 - beta ** t)
adam = lambda x, g, s: (
    x - 1e-3 * debias(first(s[0], g), 0.9, s[2] + 1) / (np.sqrt(debias(second(s[1], g * g), 0.999, s[2] + 1)) + 1e-8),
    (first(s[0], g), second(s[1], g * g), s[2] + 1),
)
