def adam_step(param, grad, m, v, t, lr, b1, b2, eps):
    """Interview question: implement one step of Adam without numpy."""
    m = [b1 * mi + (1 - b1) * gi for mi, gi in zip(m, grad)]
    v = [b2 * vi + (1 - b2) * gi * gi for vi, gi in zip(v, grad)]
    out = []
    for p, mi, vi in zip(param, m, v):
        mh = mi / (1 - b1 ** t)
        vh = vi / (1 - b2 ** t)
        out.append(p - lr * mh / (vh ** 0.5 + eps))
    return out, m, v
