class Inertie:
    def __init__(self, pas=0.02, inertie=0.9):
        self.pas = pas
        self.inertie = inertie
        self.vitesse = 0.0

    def avancer(self, position, pente):
        self.vitesse = self.inertie * self.vitesse + pente
        return position - self.pas * self.vitesse
