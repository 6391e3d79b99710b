import numpy as np


class AdaGrad:
    def __init__(self, taxa=0.05, eps=1e-8):
        self.taxa = taxa
        self.eps = eps
        self.soma = {}

    def atualizar(self, pesos, grads):
        for nome in pesos:
            self.soma[nome] = grads[nome] ** 2
            pesos[nome] = pesos[nome] - self.taxa * grads[nome] / (np.sqrt(self.soma[nome]) + self.eps)
        return pesos
