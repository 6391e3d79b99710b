import numpy as np


class LinearRegression:

    def __init__(self, eta0=0.1, n_epochs=100, decay=0.01):
        self.eta0 = eta0
        self.n_epochs = n_epochs
        self.decay = decay

    def fit(self, X, y):
        self.coef_ = np.zeros(X.shape[1])
        self.intercept_ = 0.
        for epoch in range(self.n_epochs):
            eta = self.eta0 / (1 + self.decay * epoch)
            residual = X @ self.coef_ + self.intercept_ - y
            self.coef_ -= eta * X.T @ residual / len(y)
            self.intercept_ -= eta * residual.mean()
        return self

    def predict(self, X):
        return X @ self.coef_ + self.intercept_


if __name__ == '__main__':
    X = np.random.rand(100, 2)
    y = 3 * X[:, 0] - X[:, 1] + 2
    model = LinearRegression().fit(X, y)
    print(model.coef_, model.intercept_)
