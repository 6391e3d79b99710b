# HW3 Q2 - implement Adam
import numpy as np

np.random.seed(0)
X = np.random.randn(64, 5)
y = (X[:, :1] * 2 - X[:, 1:2] > 0).astype(float)


def init_params(n_in, n_hidden):
    return {'W1': 0.1 * np.random.randn(n_in, n_hidden), 'b1': np.zeros(n_hidden),
            'W2': 0.1 * np.random.randn(n_hidden, 1), 'b2': np.zeros(1)}


def init_opt(params):
    return {'m': {k: np.zeros_like(v) for k, v in params.items()},
            'v': {k: np.zeros_like(v) for k, v in params.items()},
            't': 0}


def forward_backward(params, X, y):
    h = np.tanh(X @ params['W1'] + params['b1'])
    p = 1 / (1 + np.exp(-(h @ params['W2'] + params['b2'])))
    loss = -np.mean(y * np.log(p + 1e-9) + (1 - y) * np.log(1 - p + 1e-9))
    d2 = (p - y) / len(y)
    d1 = (d2 @ params['W2'].T) * (1 - h ** 2)
    return loss, {'W1': X.T @ d1, 'b1': d1.sum(0), 'W2': h.T @ d2, 'b2': d2.sum(0)}


def adam_update(params, grads, opt_state, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    for k in params:
        opt_state['t'] += 1
        t = opt_state['t']
        opt_state['m'][k] = beta1 * opt_state['m'][k] + (1 - beta1) * grads[k]
        opt_state['v'][k] = beta2 * opt_state['v'][k] + (1 - beta2) * grads[k] ** 2
        m_hat = opt_state['m'][k] / (1 - beta1 ** t)
        v_hat = opt_state['v'][k] / (1 - beta2 ** t)
        params[k] -= lr * m_hat / (np.sqrt(v_hat) + eps)


params = init_params(5, 8)
opt_state = init_opt(params)
for i in range(200):
    loss, grads = forward_backward(params, X, y)
    adam_update(params, grads, opt_state, lr=0.01)
    if i % 50 == 0:
        print(i, loss)
