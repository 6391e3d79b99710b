import numpy as np


class AdamOptimierer:
    def __init__(self, lernrate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.lernrate = lernrate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.erstes_moment = None
        self.zweites_moment = None
        self.zeitschritt = 0

    def aktualisiere(self, gewichte, gradient):
        if self.erstes_moment is None:
            self.erstes_moment = np.zeros_like(gewichte)
            self.zweites_moment = np.zeros_like(gewichte)
        self.zeitschritt += 1
        self.erstes_moment = self.beta1 * self.erstes_moment + (1 - self.beta1) * gradient
        self.zweites_moment = self.beta2 * self.zweites_moment + (1 - self.beta2) * gradient ** 2
        m_dach = self.erstes_moment / (1 - self.beta1 ** self.zeitschritt)
        v_dach = self.zweites_moment / (1 - self.beta2 ** self.zeitschritt)
        gewichte = gewichte - self.lernrate * m_dach / np.sqrt(v_dach + self.epsilon)
        return gewichte
