def rmsprop(weights, grads, cache, lr, rho, eps):
    """weights, grads, cache: plain lists of floats. Works in place, returns nothing."""
    for i in range(len(weights)):
        cache[i] = rho * cache[i] + (1.0 - rho) * grads[i] * grads[i]
        weights[i] = weights[i] - lr * grads[i] / (cache[i] ** 0.5 + eps)
