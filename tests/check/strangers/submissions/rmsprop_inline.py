import numpy as np

data = np.random.RandomState(0).randn(200, 3)
target = data @ np.array([[1.0], [-2.0], [0.5]]) + 0.3

W = np.zeros((3, 1))
b = np.zeros((1,))
sW = np.zeros_like(W)
sb = np.zeros_like(b)
lr, decay, eps = 0.01, 0.9, 1e-8
batch = 20

for epoch in range(30):
    for i in range(0, len(data), batch):
        xb, yb = data[i:i + batch], target[i:i + batch]
        out = xb @ W + b
        grad_out = 2 * (out - yb) / len(xb)
        dW = xb.T @ grad_out
        db = grad_out.sum(axis=0)

        sW = decay * sW + (1 - decay) * dW ** 2
        sb = decay * sb + (1 - decay) * db ** 2

        W -= lr * dW / np.sqrt(sW + eps)
        b -= lr * db / np.sqrt(sb + eps)

print(W.ravel(), b)
