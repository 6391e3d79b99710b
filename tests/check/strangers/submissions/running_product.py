import numpy as np


class AdamSolver:
    """Keeps beta^t as running products, as the C code of our group does."""

    def __init__(self, nparam, stepsize=1e-3, decay1=0.9, decay2=0.999, tiny=1e-8):
        self.stepsize = stepsize
        self.decay1 = decay1
        self.decay2 = decay2
        self.tiny = tiny
        self.prod1 = 1.0
        self.prod2 = 1.0
        self.mean = np.zeros(nparam)
        self.uncentered_var = np.zeros(nparam)

    def compute_step(self, gradient):
        """The step that has to be SUBTRACTED from the parameters."""
        self.prod1 *= self.decay1
        self.prod2 *= self.decay2
        self.mean += (1 - self.decay1) * (gradient - self.mean)
        self.uncentered_var += (1 - self.decay2) * (gradient * gradient - self.uncentered_var)
        mean = self.mean / (1 - self.prod1)
        rms = np.sqrt(self.uncentered_var / (1 - self.prod2))
        return self.stepsize * mean / (rms + self.tiny)
