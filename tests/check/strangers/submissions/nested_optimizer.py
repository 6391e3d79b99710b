import numpy as np


def build(kind, **options):
    """Factory: build('adam')(w, g) -> w"""
    if kind == "adam":
        lr, b1, b2, eps = options.get("lr", 1e-3), 0.9, 0.999, 1e-8
        box = [0, 0.0, 0.0]

        def apply(w, g):
            box[0] += 1
            box[1] = b1 * box[1] + (1 - b1) * g
            box[2] = b2 * box[2] + (1 - b2) * g * g
            return w - lr * box[1] / (1 - b1 ** box[0]) / (np.sqrt(box[2] / (1 - b2 ** box[0])) + eps)
    else:
        lr = options.get("lr", 0.1)

        def apply(w, g):
            return w - lr * g
    return apply


adam = build("adam")
