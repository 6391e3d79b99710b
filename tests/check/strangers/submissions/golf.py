import numpy as np
sgd = lambda w, g, lr=.1: w - lr * g
mom = lambda w, g, v, lr=.01, b=.9: (w - lr * (b * v + g), b * v + g)
ada = lambda w, g, s, lr=.1, e=1e-8: (w - lr * g / (np.sqrt(s + g * g) + e), s + g * g)
