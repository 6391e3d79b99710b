import numpy as np


class NeuralNetwork:
    def __init__(self, layers, learning_rate=0.1, momentum=0.9):
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weights = [np.random.randn(a, b) * 0.1 for a, b in zip(layers[:-1], layers[1:])]
        self.biases = [np.zeros((1, b)) for b in layers[1:]]
        self.v_w = [np.zeros_like(w) for w in self.weights]
        self.v_b = [np.zeros_like(b) for b in self.biases]

    def forward(self, x):
        self.activations = [x]
        for w, b in zip(self.weights, self.biases):
            x = 1 / (1 + np.exp(-(x @ w + b)))
            self.activations.append(x)
        return x

    def backward(self, y):
        delta = (self.activations[-1] - y) * self.activations[-1] * (1 - self.activations[-1])
        dW, dB = [], []
        for i in reversed(range(len(self.weights))):
            dW.insert(0, self.activations[i].T @ delta / len(y))
            dB.insert(0, delta.mean(axis=0, keepdims=True))
            a = self.activations[i]
            delta = (delta @ self.weights[i].T) * a * (1 - a)
        return dW, dB

    def update_weights(self, dW, dB):
        for i in range(len(self.weights)):
            self.v_w[i] = self.momentum * self.v_w[i] - self.learning_rate * dW[i]
            self.v_b[i] = self.momentum * self.v_b[i] - self.learning_rate * dB[i]
            self.weights[i] += self.v_w[i]
            self.biases[i] += self.v_b[i]

    def train(self, X, y, epochs=100):
        for _ in range(epochs):
            self.forward(X)
            self.update_weights(*self.backward(y))


if __name__ == "__main__":
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    y = np.array([[0], [1], [1], [0]])
    nn = NeuralNetwork([2, 4, 1])
    nn.train(X, y, 1000)
    print(nn.forward(X))
