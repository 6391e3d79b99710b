import numpy as np


def opt(lr, g, mem, x, mu):
    """x: where we are, g: slope there, mem: last velocity"""
    mem = mu * mem + g
    return mem, x - lr * mem
