import numpy as np


class RMSProp:
    def __init__(self, alpha=0.001, beta=0.9, epsilon=1e-8):
        self.alpha = alpha
        self.beta = beta
        self.epsilon = epsilon

    def update_layer(self, layer):
        if not hasattr(layer, "S_W"):
            layer.S_W = np.zeros(layer.W.shape)
            layer.S_b = np.zeros(layer.b.shape)
        layer.S_W = self.beta * layer.S_W + layer.dW ** 2
        layer.S_b = self.beta * layer.S_b + layer.db ** 2
        layer.W -= self.alpha * layer.dW / (np.sqrt(layer.S_W) + self.epsilon)
        layer.b -= self.alpha * layer.db / (np.sqrt(layer.S_b) + self.epsilon)
