import numpy as np


def sgd_wd(vec, gvec, vel, lr=0.1, mom=0.9, wd=5e-4):
    gvec = gvec - wd * vec
    vel[:] = mom * vel + gvec
    vec[:] = vec - lr * vel
