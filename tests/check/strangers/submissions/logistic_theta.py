import numpy as np
from sklearn.datasets import make_classification

X, y = make_classification(n_samples=300, n_features=5, random_state=7)
X = np.hstack([np.ones((X.shape[0], 1)), X])

theta = np.zeros(X.shape[1])
m = np.zeros_like(theta)
v = np.zeros_like(theta)
learning_rate = 0.05
beta_1 = 0.9
beta_2 = 0.999
epsilon = 1e-8

for epoch in range(200):
    z = X @ theta
    h = 1 / (1 + np.exp(-z))
    gradient = X.T @ (h - y) / y.size
    m = beta_1 * m + (1 - beta_1) * gradient
    v = beta_2 * v + (1 - beta_2) * gradient ** 2
    m_hat = m / (1 - beta_1 ** (epoch + 1))
    v_hat = v / (1 - beta_2 ** (epoch + 1))
    theta -= learning_rate * m_hat / (np.sqrt(v_hat) + epsilon)
    if epoch % 50 == 0:
        loss = -np.mean(y * np.log(h + 1e-12) + (1 - y) * np.log(1 - h + 1e-12))
        print(epoch, loss)

print("Accuracy", np.mean(((X @ theta) > 0) == y))
