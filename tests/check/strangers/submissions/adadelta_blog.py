"""Adadelta: no learning rate any more! (post 7 of my optimization series)"""
import numpy as np


def adadelta(grad_fn, w0, rho=0.95, eps=1e-6, epochs=100):
    w = np.array(w0, dtype=float)
    Eg2 = np.zeros_like(w)
    Edx2 = np.zeros_like(w)
    trajectory = [w.copy()]
    for _ in range(epochs):
        g = grad_fn(w)
        Eg2 = rho * Eg2 + (1 - rho) * g ** 2
        rms_g = np.sqrt(Eg2 + eps)
        rms_dx = np.sqrt(Edx2 + eps)
        delta_x = -rms_dx / rms_g * g
        w = w + delta_x
        trajectory.append(w.copy())
    return w, trajectory


w, tr = adadelta(lambda w: 2 * w, [1.0, 2.0])
print(w, len(tr))
