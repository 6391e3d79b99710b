class Momentum:
    __slots__ = ("_v", "_lr", "_beta")

    def __init__(self, lr=0.1, beta=0.5):
        self._v, self._lr, self._beta = 0, lr, beta

    @property
    def velocity(self):
        return self._v

    @velocity.setter
    def velocity(self, value):
        self._v = value

    def advance(self, position, slope):
        self.velocity = self._beta * self.velocity + (1 - self._beta) * slope
        return position - self._lr * self.velocity
