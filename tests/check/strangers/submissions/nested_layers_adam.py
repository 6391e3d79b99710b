import numpy as np


def adam_all(model, grads, memory, hyper):
    """model, grads, memory: {"layer1": {"weight": ..., "bias": ...}, ...}; memory gets pairs (m, v)."""
    hyper["step"] = hyper.get("step", 0) + 1
    for layer, tensors in model.items():
        for tensor in tensors:
            g = grads[layer][tensor]
            m, v = memory.setdefault(layer, {}).get(tensor, (np.zeros_like(g), np.zeros_like(g)))
            m = hyper["beta1"] * m + (1 - hyper["beta1"]) * g
            v = hyper["beta2"] * v + (1 - hyper["beta2"]) * g * g
            memory[layer][tensor] = (m, v)
            m_hat = m / (1 - hyper["beta1"] ** hyper["step"])
            v_hat = v / (1 - hyper["beta2"] ** hyper["step"])
            tensors[tensor] = tensors[tensor] - hyper["lr"] * m_hat / (np.sqrt(v_hat) - hyper["eps"])
