import numpy as np


class SGDRegressorNAG:
    def __init__(self, eta=0.01, gamma=0.9, n_epochs=50):
        self.eta = eta
        self.gamma = gamma
        self.n_epochs = n_epochs

    def _gradient(self, theta, X, y):
        return 2 * X.T @ (X @ theta - y) / len(y)

    def fit(self, X, y):
        self.theta_ = np.zeros(X.shape[1])
        velocity = np.zeros(X.shape[1])
        for _ in range(self.n_epochs):
            lookahead = self.theta_ - self.gamma * velocity
            velocity = self.gamma * velocity + self.eta * self._gradient(lookahead, X, y)
            self.theta_ = self.theta_ - velocity
        return self

    def predict(self, X):
        return X @ self.theta_


X = np.random.randn(30, 2)
reg = SGDRegressorNAG().fit(X, X @ np.array([1.0, -1.0]))
print(reg.theta_)
