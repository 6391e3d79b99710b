# Übung 5: Adam
import numpy as np


class AdamOptimierer:
    def __init__(self, lernrate=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lernrate = lernrate
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps
        self.t = 0
        self.m = {}
        self.v = {}

    def schritt(self, gewichte, gradienten):
        self.t += 1
        for name in gewichte:
            if name not in self.m:
                self.m[name] = np.zeros_like(gewichte[name])
                self.v[name] = np.zeros_like(gewichte[name])
            g = gradienten[name]
            self.m[name] = self.beta1 * self.m[name] + (1 - self.beta1) * g
            self.v[name] = self.beta2 * self.v[name] + (1 - self.beta2) * g ** 2
            m_dach = self.m[name] / (1 - self.beta1 ** self.t)
            v_dach = self.v[name] / (1 - self.beta2 ** self.t)
            gewichte[name] -= self.lernrate * m_dach / (v_dach + self.eps)
        return gewichte


gewichte = {'W': np.ones((2, 2)), 'b': np.zeros(2)}
opt = AdamOptimierer(lernrate=0.01)
for i in range(5):
    gradienten = {k: 2 * w for k, w in gewichte.items()}
    gewichte = opt.schritt(gewichte, gradienten)
print(gewichte)
