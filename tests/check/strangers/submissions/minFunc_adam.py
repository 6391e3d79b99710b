from numpy import *

def adam_min(x, funObj, alpha, maxIter):
    # [x, f] = adam_min(x, funObj, alpha, maxIter)
    # funObj returns f, g
    beta1 = 0.9; beta2 = 0.999; epsilon = 1e-8
    n = x.size
    m = zeros(n); v = zeros(n)
    f = inf
    for k in range(1, maxIter+1):
        [f, g] = funObj(x)
        m = beta1*m + (1-beta1)*g
        v = beta2*v + (1-beta2)*g**2
        mh = m/(1-beta1**k)
        vh = v/(1-beta2**k)
        x = x - alpha*mh/(sqrt(vh)+epsilon)
    return x, f
