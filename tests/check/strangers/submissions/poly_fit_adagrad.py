import numpy as np

np.random.seed(1)
x = np.linspace(-1, 1, 60)
y = 0.5 - x + 2 * x ** 2 + 0.02 * np.random.randn(60)
A = np.vander(x, 3)

coeffs = np.zeros(3)
grad_squared = np.zeros(3)
lr = 0.1

for it in range(300):
    r = A @ coeffs - y
    grad = A.T @ r / len(y)
    grad_squared += grad * grad
    coeffs = coeffs + lr * grad / (np.sqrt(grad_squared) + 1e-8)
print(coeffs)
