"""A drop-in for the mini autograd library of the lab."""
import numpy as np


class Parameter:
    def __init__(self, value):
        self.data = np.array(value, dtype=np.float64)
        self.grad = None


class Optimizer:
    def __init__(self, params, defaults):
        params = list(params)
        self.state = {}
        self.param_groups = [dict(defaults, params=params)]

    def zero_grad(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None

    def step(self):
        raise NotImplementedError


class Adam(Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                grad = p.grad
                state = self.state.setdefault(id(p), {})
                if not state:
                    state["step"] = 0
                    state["exp_avg"] = np.zeros_like(p.data)
                    state["exp_avg_sq"] = np.zeros_like(p.data)
                state["step"] += 1
                if group["weight_decay"] != 0:
                    grad = grad + group["weight_decay"] * p.data

                exp_avg, exp_avg_sq = state["exp_avg"], state["exp_avg_sq"]
                exp_avg *= beta1
                exp_avg += (1 - beta1) * grad
                exp_avg_sq *= beta2
                exp_avg_sq += (1 - beta2) * grad * grad

                bias_correction1 = 1 - beta1 ** state["step"]
                bias_correction2 = 1 - beta2 ** state["step"]
                denom = np.sqrt(exp_avg_sq) / np.sqrt(bias_correction2) + group["eps"]
                step_size = group["lr"] / bias_correction1
                p.data -= step_size * exp_avg / denom
