import numpy as np


class AdaDelta:
    """AdaDelta (Zeiler 2012). Aucun taux d'apprentissage à régler !"""

    def __init__(self, rho=0.95, eps=1e-6):
        self.rho = rho
        self.eps = eps
        self.moy_grad = None
        self.moy_delta = None

    def pas(self, poids, gradient):
        if self.moy_grad is None:
            self.moy_grad = np.zeros_like(poids)
            self.moy_delta = np.zeros_like(poids)
        self.moy_grad = self.rho * self.moy_grad + (1 - self.rho) * gradient ** 2
        delta = -np.sqrt(self.moy_delta + self.eps) / np.sqrt(self.moy_grad + self.eps) * gradient
        self.moy_delta = self.rho * self.moy_delta + (1 - self.rho) * gradient ** 2
        poids = poids + delta
        return poids
