# Trabalho de redes neurais: otimizadores
import numpy as np


class Otimizador:
    def __init__(self, taxa_de_aprendizado):
        self.taxa = taxa_de_aprendizado

    def passo(self, pesos, gradiente):
        raise NotImplementedError


class Adam(Otimizador):
    def __init__(self, taxa_de_aprendizado=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
        super().__init__(taxa_de_aprendizado)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self.momento1 = None
        self.momento2 = None
        self.iteracao = 0

    def passo(self, pesos, gradiente):
        if self.momento1 is None:
            self.momento1 = np.zeros_like(pesos)
            self.momento2 = np.zeros_like(pesos)
        self.iteracao += 1
        self.momento1 = self.beta1 * self.momento1 + (1 - self.beta1) * gradiente
        self.momento2 = self.beta2 * self.momento2 + (1 - self.beta2) * np.square(gradiente)
        m1 = self.momento1 / (1 - self.beta1 ** self.iteracao)
        m2 = self.momento2 / (1 - self.beta2 ** self.iteracao)
        return pesos - self.taxa * m1 / (np.sqrt(m2) + self.epsilon)


class RMSProp(Otimizador):
    def __init__(self, taxa_de_aprendizado=0.001, rho=0.9, epsilon=1e-8):
        super().__init__(taxa_de_aprendizado)
        self.rho, self.epsilon = rho, epsilon
        self.cache = None

    def passo(self, pesos, gradiente):
        if self.cache is None:
            self.cache = np.zeros_like(pesos)
        pesos = pesos - self.taxa * gradiente / (np.sqrt(self.cache) + self.epsilon)
        self.cache = self.rho * self.cache + (1 - self.rho) * gradiente ** 2
        return pesos
