import numpy as np

STATE = {}


def update(kind, name, w, g, lr=0.01):
    s = STATE.setdefault((kind, name), {"t": 0})
    s["t"] += 1
    match kind:
        case "sgd":
            return w - lr * g
        case "momentum":
            s["v"] = 0.9 * s.get("v", 0) + g
            return w - lr * s["v"]
        case "adagrad":
            s["a"] = s.get("a", 0) + g * g
            return w - lr * g / (np.sqrt(s["a"]) + 1e-8)
        case _:
            raise ValueError(kind)
