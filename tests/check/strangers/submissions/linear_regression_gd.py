import numpy as np


class LinearRegressionGD:
    """Linear regression trained with the Adam optimizer

    Parameters
    ----------
    lr : float
        learning rate
    n_iter : int
        passes over the training set
    """

    def __init__(self, lr=0.01, n_iter=1000, beta_1=0.9, beta_2=0.999, eps=1e-8):
        self.lr = lr
        self.n_iter = n_iter
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.eps = eps

    def fit(self, X, y):
        X = np.c_[np.ones(len(X)), X]
        self.theta = np.zeros(X.shape[1])
        self.cost_ = []
        m = np.zeros_like(self.theta)
        v = np.zeros_like(self.theta)
        for i in range(self.n_iter):
            errors = X.dot(self.theta) - y
            grad = X.T.dot(errors) / len(y)
            m = self.beta_1 * m + (1 - self.beta_1) * grad
            v = self.beta_2 * v + (1 - self.beta_2) * grad ** 2
            self.theta -= self.lr * m / (np.sqrt(v) + self.eps)
            self.cost_.append((errors ** 2).mean() / 2)
        return self

    def predict(self, X):
        return np.c_[np.ones(len(X)), X].dot(self.theta)


if __name__ == "__main__":
    rng = np.random.default_rng(1)
    X = rng.normal(size=(100, 3))
    y = X @ [1., 2., 3.] + 4
    print(LinearRegressionGD(lr=0.1).fit(X, y).theta)
