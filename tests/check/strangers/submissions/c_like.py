def adam_update(out, n, w, g, m, v, lr, b1, b2, eps, step):
    """out, w, g, m, v: float buffers of length n; step counts from 1"""
    i = 0
    c1 = 1.0
    c2 = 1.0
    k = 0
    while k < step:
        c1 = c1 * b1
        c2 = c2 * b2
        k = k + 1
    while i < n:
        m[i] = b1 * m[i] + (1.0 - b1) * g[i]
        v[i] = b2 * v[i] + (1.0 - b2) * g[i] * g[i]
        out[i] = w[i] - lr * (m[i] / (1.0 - c1)) / ((v[i] / (1.0 - c2)) ** 0.5 + eps)
        i = i + 1
