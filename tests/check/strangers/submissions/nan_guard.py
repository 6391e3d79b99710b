import numpy as np


def safe_adam(w, g, mem, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, verbose=False):
    """Returns (w, mem, info). mem may be None at the first call."""
    if mem is None:
        mem = dict(n=0, a=np.zeros_like(w), b=np.zeros_like(w))
    if not np.all(np.isfinite(g)):
        return w, mem, {"skipped": True}
    n = mem["n"] + 1
    a = beta1 * mem["a"] + (1 - beta1) * g
    b = beta2 * mem["b"] + (1 - beta2) * g**2
    step = lr * (a / (1 - beta1**n)) / (np.sqrt(b / (1 - beta2**n)) + eps)
    if verbose:
        print(n, np.abs(step).max())
    return w - step, dict(n=n, a=a, b=b), {"skipped": False}
