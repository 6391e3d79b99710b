import functools
import time

import numpy as np


def timed(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        start = time.perf_counter()
        result = f(*args, **kwargs)
        wrapper.seconds += time.perf_counter() - start
        return result
    wrapper.seconds = 0.0
    return wrapper


@timed
def momentum_update(w, dw, velocity, lr=0.01, momentum=0.9):
    velocity = momentum * velocity + lr * dw
    w = w - velocity
    return w, velocity
