import numpy as np
from sklearn.datasets import load_iris

X, labels = load_iris(return_X_y=True)
X = (X - X.mean(0)) / X.std(0)
Y = np.eye(3)[labels]

W = np.random.randn(4, 3) * 0.01
b = np.zeros((1, 3))
lr = 0.01
beta1, beta2 = 0.9, 0.999
mW, vW, mb, vb = np.zeros_like(W), np.zeros_like(W), np.zeros_like(b), np.zeros_like(b)

for epoch in range(200):
    scores = X @ W + b
    probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    loss = -np.log(probs[range(150), labels]).mean()

    dscores = (probs - Y) / 150
    dW = X.T @ dscores
    db = dscores.sum(axis=0, keepdims=True)

    # Adam update
    mW = beta1 * mW + (1 - beta1) * dW
    vW = beta2 * vW + (1 - beta2) * (dW ** 2)
    W -= lr * mW / (np.sqrt(vW) + 1e-8)
    mb = beta1 * mb + (1 - beta1) * db
    vb = beta2 * vb + (1 - beta2) * (db ** 2)
    b -= lr * mb / (np.sqrt(vb) + 1e-8)

    if epoch % 50 == 0:
        print('epoch %d loss %.4f' % (epoch, loss))
