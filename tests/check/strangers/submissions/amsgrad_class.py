import numpy as np


class AMSGrad:
    """On the Convergence of Adam and Beyond (Reddi et al.), the way PyTorch does it"""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = params
        self.lr = lr
        self.betas = betas
        self.eps = eps
        self.t = 0
        self.exp_avg = [np.zeros(p.shape) for p in params]
        self.exp_avg_sq = [np.zeros(p.shape) for p in params]
        self.max_exp_avg_sq = [np.zeros(p.shape) for p in params]

    def step(self, grads):
        beta1, beta2 = self.betas
        self.t += 1
        bias_correction1 = 1 - beta1 ** self.t
        bias_correction2 = 1 - beta2 ** self.t
        for p, g, m, v, vmax in zip(self.params, grads, self.exp_avg, self.exp_avg_sq, self.max_exp_avg_sq):
            m *= beta1
            m += (1 - beta1) * g
            v *= beta2
            v += (1 - beta2) * g * g
            np.maximum(vmax, v, out=vmax)
            denom = np.sqrt(vmax) / np.sqrt(bias_correction2) + self.eps
            p -= self.lr / bias_correction1 * m / denom
