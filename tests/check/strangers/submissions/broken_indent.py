import numpy as np

def momentum(w, dw, v, lr=0.01, beta=0.9):
    v = beta * v + (1 - beta) * dw
   w = w - lr * v
    return w, v
