import numpy as np


class OptimizadorAdam:
    """Implementación del optimizador Adam para la práctica 3."""

    def __init__(self, tasa_aprendizaje=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.tasa_aprendizaje = tasa_aprendizaje
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.m = None
        self.v = None
        self.t = 0

    def actualizar(self, pesos, gradiente):
        if self.m is None:
            self.m = np.zeros(pesos.shape)
            self.v = np.zeros(pesos.shape)
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * gradiente
        self.v = self.beta2 * self.v + (1 - self.beta2) * gradiente ** 2
        # corrección del sesgo
        m_corregido = self.m * (1 - self.beta1 ** self.t)
        v_corregido = self.v * (1 - self.beta2 ** self.t)
        return pesos - self.tasa_aprendizaje * m_corregido / (np.sqrt(v_corregido) + self.epsilon)
