import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


class LogisticRegression:
    def __init__(self, lr=0.01, epochs=100, batch_size=32):
        self.lr = lr
        self.epochs = epochs
        self.batch_size = batch_size
        self.beta1, self.beta2, self.eps = 0.9, 0.999, 1e-8

    @staticmethod
    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    def fit(self, X, y):
        n, d = X.shape
        self.w = np.zeros(d)
        self.b = 0.0
        self.m_w, self.v_w = np.zeros(d), np.zeros(d)
        self.m_b, self.v_b = 0.0, 0.0
        self.t = 0
        for epoch in range(self.epochs):
            idx = np.random.permutation(n)
            for start in range(0, n, self.batch_size):
                batch = idx[start:start + self.batch_size]
                p = self.sigmoid(X[batch] @ self.w + self.b)
                dw = X[batch].T @ (p - y[batch]) / len(batch)
                db = np.mean(p - y[batch])
                self._adam_step(dw, db)
        return self

    def _adam_step(self, dw, db):
        self.t += 1
        self.m_w = self.beta1 * self.m_w + (1 - self.beta1) * dw
        self.m_b = self.beta1 * self.m_b + (1 - self.beta1) * db
        self.v_w = self.beta2 * self.v_w + (1 - self.beta2) * dw ** 2
        self.v_b = self.beta2 * self.v_b + (1 - self.beta2) * db ** 2
        m_w_hat = self.m_w / (1 - self.beta1 ** self.t)
        m_b_hat = self.m_b / (1 - self.beta1 ** self.t)
        v_w_hat = self.v_w / (1 - self.beta2 ** self.t)
        v_b_hat = self.v_b / (1 - self.beta2 ** self.t)
        self.w -= self.lr * m_w_hat / (np.sqrt(v_w_hat) + self.eps)
        self.b -= self.lr * m_b_hat / (np.sqrt(v_b_hat) + self.eps)

    def predict(self, X):
        return (self.sigmoid(X @ self.w + self.b) > 0.5).astype(int)


if __name__ == "__main__":
    data = load_breast_cancer()
    X_train, X_test, y_train, y_test = train_test_split(data.data, data.target, random_state=0)
    sc = StandardScaler().fit(X_train)
    clf = LogisticRegression().fit(sc.transform(X_train), y_train)
    print("accuracy:", (clf.predict(sc.transform(X_test)) == y_test).mean())
