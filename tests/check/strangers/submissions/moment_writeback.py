# Adam, translated from the pseudo code in the paper
import numpy as np


class AdamOptimizer:
    def __init__(self, weights, alpha=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.alpha = alpha
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.m = 0
        self.v = 0
        self.t = 0
        self.theta = weights

    def backward_pass(self, gradient):
        self.t = self.t + 1
        self.m = self.beta1*self.m + (1 - self.beta1)*gradient
        self.v = self.beta2*self.v + (1 - self.beta2)*(gradient**2)
        self.m = self.m/(1 - self.beta1**self.t)
        self.v = self.v/(1 - self.beta2**self.t)
        self.theta = self.theta - self.alpha*(self.m/(np.sqrt(self.v) + self.epsilon))
        return self.theta
