import numpy as np


class NesterovOptimierer:
    """Nesterow-Beschleunigung, Gradient am aktuellen Punkt (Form nach Bengio)."""

    def __init__(self, lernrate=0.01, impuls=0.9):
        self.lernrate = lernrate
        self.impuls = impuls
        self.geschwindigkeit = None

    def schritt(self, gewichte, gradient):
        if self.geschwindigkeit is None:
            self.geschwindigkeit = np.zeros_like(gewichte)
        alte = self.geschwindigkeit.copy()
        self.geschwindigkeit = self.impuls * self.geschwindigkeit - self.lernrate * gradient
        gewichte += -self.impuls * alte + (1 + self.impuls) * self.geschwindigkeit
        return gewichte
