# TP2 : descente de gradient adaptative
import numpy as np


class RMSProp:
    def __init__(self, taux=0.001, facteur_oubli=0.9, eps=1e-8):
        self.taux = taux
        self.facteur_oubli = facteur_oubli
        self.eps = eps
        self.moyenne_carres = {}

    def mise_a_jour(self, parametres, gradients):
        for nom, valeur in parametres.items():
            ancienne = self.moyenne_carres.get(nom, np.zeros_like(valeur))
            self.moyenne_carres[nom] = self.facteur_oubli * ancienne + (1 - self.facteur_oubli) * gradients[nom] ** 2
            parametres[nom] = valeur - self.taux * gradients[nom] / (np.sqrt(self.moyenne_carres[nom]) + self.eps)
