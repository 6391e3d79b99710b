import numpy as np


def nesterov_layers(layers, lr=0.1, mu=0.8):
    """layers: list of dicts with W, dW, and VW after the first call. In place."""
    for lay in layers:
        if "VW" not in lay:
            lay["VW"] = np.zeros_like(lay["W"])
        lay["VW"] = mu * lay["VW"] + lay["dW"]
        lay["W"] = lay["W"] - lr * (lay["dW"] + mu * lay["VW"])
