"""Files with gradients as strangers write them, right as they stand; and what a slip in one of their lines does.

Every file is a text. A slip replaces one piece of it; the subject's name, its wrong blocks and the cause are expected.
"""
# ruff: noqa: E501 - other people's lines, in other people's languages

from __future__ import annotations

from typing import NamedTuple

COURSERA_LOGISTIC = '''
import numpy as np

def sigmoid(z):
    """Compute the sigmoid of z"""
    s = 1 / (1 + np.exp(-z))
    return s

def initialize_with_zeros(dim):
    w = np.zeros((dim, 1))
    b = 0.0
    return w, b

def propagate(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    dw = 1 / m * np.dot(X, (A - Y).T)
    db = 1 / m * np.sum(A - Y)
    cost = np.squeeze(np.array(cost))
    grads = {"dw": dw, "db": db}
    return grads, cost

def optimize(w, b, X, Y, num_iterations=100, learning_rate=0.009):
    for i in range(num_iterations):
        grads, cost = propagate(w, b, X, Y)
        w = w - learning_rate * grads["dw"]
        b = b - learning_rate * grads["db"]
    return {"w": w, "b": b}, grads
'''

COURSERA_PLANAR = """
import numpy as np

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def layer_sizes(X, Y):
    return X.shape[0], 4, Y.shape[0]

def initialize_parameters(n_x, n_h, n_y):
    np.random.seed(2)
    W1 = np.random.randn(n_h, n_x) * 0.01
    b1 = np.zeros((n_h, 1))
    W2 = np.random.randn(n_y, n_h) * 0.01
    b2 = np.zeros((n_y, 1))
    parameters = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    return parameters

def forward_propagation(X, parameters):
    W1 = parameters["W1"]
    b1 = parameters["b1"]
    W2 = parameters["W2"]
    b2 = parameters["b2"]
    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = sigmoid(Z2)
    assert A2.shape == (1, X.shape[1])
    cache = {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}
    return A2, cache

def compute_cost(A2, Y):
    m = Y.shape[1]
    logprobs = np.multiply(np.log(A2), Y) + np.multiply(np.log(1 - A2), 1 - Y)
    cost = -np.sum(logprobs) / m
    return float(np.squeeze(cost))

def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    W1 = parameters["W1"]
    W2 = parameters["W2"]
    A1 = cache["A1"]
    A2 = cache["A2"]
    dZ2 = A2 - Y
    dW2 = 1 / m * np.dot(dZ2, A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.multiply(np.dot(W2.T, dZ2), 1 - np.power(A1, 2))
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    grads = {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
    return grads

def update_parameters(parameters, grads, learning_rate=1.2):
    return {k: parameters[k] - learning_rate * grads["d" + k] for k in parameters}
"""

COURSERA_DEEP = """
import numpy as np

def sigmoid(Z):
    A = 1 / (1 + np.exp(-Z))
    cache = Z
    return A, cache

def relu(Z):
    A = np.maximum(0, Z)
    cache = Z
    return A, cache

def relu_backward(dA, cache):
    Z = cache
    dZ = np.array(dA, copy=True)
    dZ[Z <= 0] = 0
    return dZ

def sigmoid_backward(dA, cache):
    Z = cache
    s = 1 / (1 + np.exp(-Z))
    dZ = dA * s * (1 - s)
    return dZ

def initialize_parameters_deep(layer_dims):
    parameters = {}
    L = len(layer_dims)
    for l in range(1, L):
        parameters["W" + str(l)] = np.random.randn(layer_dims[l], layer_dims[l - 1]) * 0.01
        parameters["b" + str(l)] = np.zeros((layer_dims[l], 1))
    return parameters

def linear_forward(A, W, b):
    Z = W.dot(A) + b
    cache = (A, W, b)
    return Z, cache

def linear_activation_forward(A_prev, W, b, activation):
    if activation == "sigmoid":
        Z, linear_cache = linear_forward(A_prev, W, b)
        A, activation_cache = sigmoid(Z)
    elif activation == "relu":
        Z, linear_cache = linear_forward(A_prev, W, b)
        A, activation_cache = relu(Z)
    cache = (linear_cache, activation_cache)
    return A, cache

def L_model_forward(X, parameters):
    caches = []
    A = X
    L = len(parameters) // 2
    for l in range(1, L):
        A_prev = A
        A, cache = linear_activation_forward(A_prev, parameters["W" + str(l)], parameters["b" + str(l)], activation="relu")
        caches.append(cache)
    AL, cache = linear_activation_forward(A, parameters["W" + str(L)], parameters["b" + str(L)], activation="sigmoid")
    caches.append(cache)
    return AL, caches

def compute_cost(AL, Y):
    m = Y.shape[1]
    cost = (1.0 / m) * (-np.dot(Y, np.log(AL).T) - np.dot(1 - Y, np.log(1 - AL).T))
    cost = np.squeeze(cost)
    return cost

def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    dW = 1.0 / m * np.dot(dZ, A_prev.T)
    db = 1.0 / m * np.sum(dZ, axis=1, keepdims=True)
    dA_prev = np.dot(W.T, dZ)
    return dA_prev, dW, db

def linear_activation_backward(dA, cache, activation):
    linear_cache, activation_cache = cache
    if activation == "relu":
        dZ = relu_backward(dA, activation_cache)
        dA_prev, dW, db = linear_backward(dZ, linear_cache)
    elif activation == "sigmoid":
        dZ = sigmoid_backward(dA, activation_cache)
        dA_prev, dW, db = linear_backward(dZ, linear_cache)
    return dA_prev, dW, db

def L_model_backward(AL, Y, caches):
    grads = {}
    L = len(caches)
    Y = Y.reshape(AL.shape)
    dAL = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))
    current_cache = caches[L - 1]
    grads["dA" + str(L - 1)], grads["dW" + str(L)], grads["db" + str(L)] = linear_activation_backward(dAL, current_cache, "sigmoid")
    for l in reversed(range(L - 1)):
        current_cache = caches[l]
        dA_prev_temp, dW_temp, db_temp = linear_activation_backward(grads["dA" + str(l + 1)], current_cache, "relu")
        grads["dA" + str(l)] = dA_prev_temp
        grads["dW" + str(l + 1)] = dW_temp
        grads["db" + str(l + 1)] = db_temp
    return grads
"""

GRADIENT_CHECK_N = """
import numpy as np

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def relu(x):
    return np.maximum(0, x)

def forward_propagation(x, theta):
    J = np.dot(theta, x)
    return J

def backward_propagation(x, theta):
    dtheta = x
    return dtheta

def gradient_check(x, theta, epsilon=1e-7):
    J_plus = forward_propagation(x, theta + epsilon)
    J_minus = forward_propagation(x, theta - epsilon)
    gradapprox = (J_plus - J_minus) / (2 * epsilon)
    grad = backward_propagation(x, theta)
    return np.linalg.norm(grad - gradapprox) / (np.linalg.norm(grad) + np.linalg.norm(gradapprox))

def forward_propagation_n(X, Y, parameters):
    m = X.shape[1]
    W1, b1 = parameters["W1"], parameters["b1"]
    W2, b2 = parameters["W2"], parameters["b2"]
    W3, b3 = parameters["W3"], parameters["b3"]
    Z1 = np.dot(W1, X) + b1
    A1 = relu(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = relu(Z2)
    Z3 = np.dot(W3, A2) + b3
    A3 = sigmoid(Z3)
    logprobs = np.multiply(-np.log(A3), Y) + np.multiply(-np.log(1 - A3), 1 - Y)
    cost = 1.0 / m * np.sum(logprobs)
    cache = (Z1, A1, W1, b1, Z2, A2, W2, b2, Z3, A3, W3, b3)
    return cost, cache

def backward_propagation_n(X, Y, cache):
    m = X.shape[1]
    (Z1, A1, W1, b1, Z2, A2, W2, b2, Z3, A3, W3, b3) = cache
    dZ3 = A3 - Y
    dW3 = 1.0 / m * np.dot(dZ3, A2.T)
    db3 = 1.0 / m * np.sum(dZ3, axis=1, keepdims=True)
    dA2 = np.dot(W3.T, dZ3)
    dZ2 = np.multiply(dA2, np.int64(A2 > 0))
    dW2 = 1.0 / m * np.dot(dZ2, A1.T)
    db2 = 1.0 / m * np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = np.multiply(dA1, np.int64(A1 > 0))
    dW1 = 1.0 / m * np.dot(dZ1, X.T)
    db1 = 1.0 / m * np.sum(dZ1, axis=1, keepdims=True)
    gradients = {"dZ3": dZ3, "dW3": dW3, "db3": db3, "dA2": dA2, "dZ2": dZ2, "dW2": dW2, "db2": db2,
                 "dA1": dA1, "dZ1": dZ1, "dW1": dW1, "db1": db1}
    return gradients

def dictionary_to_vector(parameters):
    return np.concatenate([parameters[k].reshape(-1, 1) for k in ("W1", "b1", "W2", "b2", "W3", "b3")])
"""

REGULARIZED = """
import numpy as np

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def relu(x):
    return np.maximum(0, x)

def initialize_parameters(layer_dims):
    np.random.seed(3)
    parameters = {}
    for l in range(1, len(layer_dims)):
        parameters["W" + str(l)] = np.random.randn(layer_dims[l], layer_dims[l - 1]) / np.sqrt(layer_dims[l - 1])
        parameters["b" + str(l)] = np.zeros((layer_dims[l], 1))
    return parameters

def forward_propagation(X, parameters):
    W1, b1, W2, b2, W3, b3 = (parameters[k] for k in ("W1", "b1", "W2", "b2", "W3", "b3"))
    Z1 = np.dot(W1, X) + b1
    A1 = relu(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = relu(Z2)
    Z3 = np.dot(W3, A2) + b3
    A3 = sigmoid(Z3)
    return A3, (Z1, A1, W1, b1, Z2, A2, W2, b2, Z3, A3, W3, b3)

def compute_cost(a3, Y):
    m = Y.shape[1]
    logprobs = np.multiply(-np.log(a3), Y) + np.multiply(-np.log(1 - a3), 1 - Y)
    return 1.0 / m * np.nansum(logprobs)

def compute_cost_with_regularization(A3, Y, parameters, lambd):
    m = Y.shape[1]
    W1, W2, W3 = parameters["W1"], parameters["W2"], parameters["W3"]
    cross_entropy_cost = compute_cost(A3, Y)
    L2_regularization_cost = lambd / (2 * m) * (np.sum(np.square(W1)) + np.sum(np.square(W2)) + np.sum(np.square(W3)))
    return cross_entropy_cost + L2_regularization_cost

def backward_propagation_with_regularization(X, Y, cache, lambd):
    m = X.shape[1]
    (Z1, A1, W1, b1, Z2, A2, W2, b2, Z3, A3, W3, b3) = cache
    dZ3 = A3 - Y
    dW3 = 1.0 / m * np.dot(dZ3, A2.T) + (lambd * W3) / m
    db3 = 1.0 / m * np.sum(dZ3, axis=1, keepdims=True)
    dA2 = np.dot(W3.T, dZ3)
    dZ2 = np.multiply(dA2, np.int64(A2 > 0))
    dW2 = 1.0 / m * np.dot(dZ2, A1.T) + (lambd * W2) / m
    db2 = 1.0 / m * np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = np.multiply(dA1, np.int64(A1 > 0))
    dW1 = 1.0 / m * np.dot(dZ1, X.T) + (lambd * W1) / m
    db1 = 1.0 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dZ3": dZ3, "dW3": dW3, "db3": db3, "dA2": dA2, "dZ2": dZ2, "dW2": dW2, "db2": db2, "dA1": dA1,
            "dZ1": dZ1, "dW1": dW1, "db1": db1}

def forward_propagation_with_dropout(X, parameters, keep_prob=0.5):
    np.random.seed(1)
    W1, b1, W2, b2, W3, b3 = (parameters[k] for k in ("W1", "b1", "W2", "b2", "W3", "b3"))
    Z1 = np.dot(W1, X) + b1
    A1 = relu(Z1)
    D1 = np.random.rand(A1.shape[0], A1.shape[1])
    D1 = (D1 < keep_prob).astype(int)
    A1 = A1 * D1
    A1 = A1 / keep_prob
    Z2 = np.dot(W2, A1) + b2
    A2 = relu(Z2)
    D2 = np.random.rand(A2.shape[0], A2.shape[1])
    D2 = (D2 < keep_prob).astype(int)
    A2 = A2 * D2
    A2 = A2 / keep_prob
    Z3 = np.dot(W3, A2) + b3
    A3 = sigmoid(Z3)
    cache = (Z1, D1, A1, W1, b1, Z2, D2, A2, W2, b2, Z3, A3, W3, b3)
    return A3, cache

def backward_propagation_with_dropout(X, Y, cache, keep_prob):
    m = X.shape[1]
    (Z1, D1, A1, W1, b1, Z2, D2, A2, W2, b2, Z3, A3, W3, b3) = cache
    dZ3 = A3 - Y
    dW3 = 1.0 / m * np.dot(dZ3, A2.T)
    db3 = 1.0 / m * np.sum(dZ3, axis=1, keepdims=True)
    dA2 = np.dot(W3.T, dZ3)
    dA2 = dA2 * D2
    dA2 = dA2 / keep_prob
    dZ2 = np.multiply(dA2, np.int64(A2 > 0))
    dW2 = 1.0 / m * np.dot(dZ2, A1.T)
    db2 = 1.0 / m * np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dA1 = dA1 * D1
    dA1 = dA1 / keep_prob
    dZ1 = np.multiply(dA1, np.int64(A1 > 0))
    dW1 = 1.0 / m * np.dot(dZ1, X.T)
    db1 = 1.0 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW3": dW3, "db3": db3, "dW2": dW2, "db2": db2, "dW1": dW1, "db1": db1}
"""

TWO_LAYER_NET = """
import numpy as np

class TwoLayerNet(object):
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {}
        self.params["W1"] = std * np.random.randn(input_size, hidden_size)
        self.params["b1"] = np.zeros(hidden_size)
        self.params["W2"] = std * np.random.randn(hidden_size, output_size)
        self.params["b2"] = np.zeros(output_size)

    def loss(self, X, y=None, reg=0.0):
        W1, b1 = self.params["W1"], self.params["b1"]
        W2, b2 = self.params["W2"], self.params["b2"]
        N, D = X.shape
        hidden = np.maximum(0, X.dot(W1) + b1)
        scores = hidden.dot(W2) + b2
        if y is None:
            return scores
        scores -= np.max(scores, axis=1, keepdims=True)
        exp_scores = np.exp(scores)
        probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
        loss = np.sum(-np.log(probs[np.arange(N), y])) / N
        loss += reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
        grads = {}
        dscores = probs
        dscores[np.arange(N), y] -= 1
        dscores /= N
        grads["W2"] = np.dot(hidden.T, dscores) + 2 * reg * W2
        grads["b2"] = np.sum(dscores, axis=0)
        dhidden = np.dot(dscores, W2.T)
        dhidden[hidden <= 0] = 0
        grads["W1"] = np.dot(X.T, dhidden) + 2 * reg * W1
        grads["b1"] = np.sum(dhidden, axis=0)
        return loss, grads

    def train(self, X, y, learning_rate=1e-3):
        loss, grads = self.loss(X, y)
        for k in self.params:
            self.params[k] -= learning_rate * grads[k]
"""

CS231N_LAYERS = """
import numpy as np

def affine_forward(x, w, b):
    N = x.shape[0]
    out = x.reshape(N, -1).dot(w) + b
    cache = (x, w, b)
    return out, cache

def affine_backward(dout, cache):
    x, w, b = cache
    N = x.shape[0]
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(N, -1).T.dot(dout)
    db = dout.sum(axis=0)
    return dx, dw, db

def relu_forward(x):
    out = np.maximum(0, x)
    cache = x
    return out, cache

def relu_backward(dout, cache):
    dx, x = None, cache
    dx = dout * (x > 0)
    return dx

def batchnorm_forward(x, gamma, beta, bn_param):
    eps = bn_param.get("eps", 1e-5)
    mu = x.mean(axis=0)
    var = x.var(axis=0)
    xhat = (x - mu) / np.sqrt(var + eps)
    out = gamma * xhat + beta
    return out, (xhat, gamma, var, eps)

def batchnorm_backward(dout, cache):
    xhat, gamma, var, eps = cache
    N = dout.shape[0]
    dgamma = np.sum(dout * xhat, axis=0)
    dbeta = np.sum(dout, axis=0)
    dxhat = dout * gamma
    dx = (dxhat - dxhat.mean(axis=0) - xhat * np.mean(dxhat * xhat, axis=0)) / np.sqrt(var + eps)
    return dx, dgamma, dbeta

def softmax_loss(x, y):
    shifted = x - x.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    N = x.shape[0]
    loss = -np.sum(log_probs[np.arange(N), y]) / N
    dx = np.exp(log_probs)
    dx[np.arange(N), y] -= 1
    dx /= N
    return loss, dx

def svm_loss(x, y):
    N = x.shape[0]
    correct = x[np.arange(N), y]
    margins = np.maximum(0, x - correct[:, np.newaxis] + 1.0)
    margins[np.arange(N), y] = 0
    loss = np.sum(margins) / N
    num_pos = np.sum(margins > 0, axis=1)
    dx = np.zeros_like(x)
    dx[margins > 0] = 1
    dx[np.arange(N), y] -= num_pos
    dx /= N
    return loss, dx
"""

FROM_SCRATCH_LAYERS = """
import numpy as np

class Relu:
    def __init__(self):
        self.mask = None

    def forward(self, x):
        self.mask = (x <= 0)
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        dx = dout
        return dx

class Sigmoid:
    def __init__(self):
        self.out = None

    def forward(self, x):
        out = 1 / (1 + np.exp(-x))
        self.out = out
        return out

    def backward(self, dout):
        dx = dout * (1.0 - self.out) * self.out
        return dx

class Affine:
    def __init__(self, W, b):
        self.W = W
        self.b = b
        self.x = None
        self.dW = None
        self.db = None

    def forward(self, x):
        self.x = x
        out = np.dot(self.x, self.W) + self.b
        return out

    def backward(self, dout):
        dx = np.dot(dout, self.W.T)
        self.dW = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0)
        return dx
"""

DENSE_WITH_RATE = """
import numpy as np

class Layer:
    def __init__(self):
        self.input = None
        self.output = None

    def forward(self, input):
        pass

    def backward(self, output_gradient, learning_rate):
        pass

class Dense(Layer):
    def __init__(self, input_size, output_size):
        self.weights = np.random.randn(output_size, input_size)
        self.bias = np.random.randn(output_size, 1)

    def forward(self, input):
        self.input = input
        return np.dot(self.weights, self.input) + self.bias

    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights.T, output_gradient)
        self.weights -= learning_rate * weights_gradient
        self.bias -= learning_rate * output_gradient
        return input_gradient

def mse(y_true, y_pred):
    return np.mean(np.power(y_true - y_pred, 2))

def mse_prime(y_true, y_pred):
    return 2 * (y_pred - y_true) / np.size(y_true)

def binary_cross_entropy(y_true, y_pred):
    return np.mean(-y_true * np.log(y_pred) - (1 - y_true) * np.log(1 - y_pred))

def binary_cross_entropy_prime(y_true, y_pred):
    return ((1 - y_true) / (1 - y_pred) - y_true / y_pred) / np.size(y_true)

def tanh(x):
    return np.tanh(x)

def tanh_prime(x):
    return 1 - np.tanh(x) ** 2
"""

NIELSEN = """
import numpy as np

class Network(object):
    def __init__(self, sizes):
        self.num_layers = len(sizes)
        self.sizes = sizes
        self.biases = [np.random.randn(y, 1) for y in sizes[1:]]
        self.weights = [np.random.randn(y, x) for x, y in zip(sizes[:-1], sizes[1:])]

    def feedforward(self, a):
        for b, w in zip(self.biases, self.weights):
            a = sigmoid(np.dot(w, a) + b)
        return a

    def cost(self, x, y):
        return 0.5 * np.sum((self.feedforward(x) - y) ** 2)

    def backprop(self, x, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        activation = x
        activations = [x]
        zs = []
        for b, w in zip(self.biases, self.weights):
            z = np.dot(w, activation) + b
            zs.append(z)
            activation = sigmoid(z)
            activations.append(activation)
        delta = self.cost_derivative(activations[-1], y) * sigmoid_prime(zs[-1])
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, activations[-2].transpose())
        for l in range(2, self.num_layers):
            z = zs[-l]
            sp = sigmoid_prime(z)
            delta = np.dot(self.weights[-l + 1].transpose(), delta) * sp
            nabla_b[-l] = delta
            nabla_w[-l] = np.dot(delta, activations[-l - 1].transpose())
        return (nabla_b, nabla_w)

    def cost_derivative(self, output_activations, y):
        return output_activations - y

def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))

def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))
"""

CHINESE = """
import numpy as np

def 初始化参数(输入数, 隐藏数, 输出数):
    return {"W1": np.random.randn(输入数, 隐藏数) * 0.1, "b1": np.zeros(隐藏数),
            "W2": np.random.randn(隐藏数, 输出数) * 0.1, "b2": np.zeros(输出数)}

def 激活函数(x):
    return 1 / (1 + np.exp(-x))

def 激活函数导数(x):
    return 激活函数(x) * (1 - 激活函数(x))

def 前向传播(输入, 参数):
    z1 = 输入 @ 参数["W1"] + 参数["b1"]
    a1 = 激活函数(z1)
    输出 = a1 @ 参数["W2"] + 参数["b2"]
    return 输出, {"z1": z1, "a1": a1, "x": 输入}

def 计算损失(预测, 标签):
    样本数 = 标签.shape[0]
    return np.sum((预测 - 标签) ** 2) / (2 * 样本数)

def 反向传播(输入, 标签, 参数, 缓存):
    样本数 = 输入.shape[0]
    预测 = 缓存["a1"] @ 参数["W2"] + 参数["b2"]
    d2 = (预测 - 标签) / 样本数
    梯度 = {}
    梯度["dW2"] = 缓存["a1"].T @ d2
    梯度["db2"] = d2.sum(axis=0)
    d1 = d2 @ 参数["W2"].T * 激活函数导数(缓存["z1"])
    梯度["dW1"] = 输入.T @ d1
    梯度["db1"] = d1.sum(axis=0)
    return 梯度
"""

ANDREW_NG_THETA = """
import numpy as np

def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))

def cost_function(theta, X, y):
    m = len(y)
    h = sigmoid(X.dot(theta))
    J = (-1.0 / m) * (y.T.dot(np.log(h)) + (1 - y).T.dot(np.log(1 - h)))
    grad = (1.0 / m) * X.T.dot(h - y)
    return J, grad

def cost_function_reg(theta, X, y, lam):
    m = len(y)
    h = sigmoid(X.dot(theta))
    reg = lam / (2.0 * m) * np.sum(theta[1:] ** 2)
    J = -np.sum(y * np.log(h) + (1 - y) * np.log(1 - h)) / m + reg
    grad = X.T.dot(h - y) / m
    grad[1:] = grad[1:] + lam / m * theta[1:]
    return J, grad
"""

NN_COST_FUNCTION = """
import numpy as np

def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))

def sigmoidGradient(z):
    return sigmoid(z) * (1 - sigmoid(z))

def nnCostFunction(nn_params, input_layer_size, hidden_layer_size, num_labels, X, y, lambda_=0.0):
    Theta1 = np.reshape(nn_params[:hidden_layer_size * (input_layer_size + 1)], (hidden_layer_size, input_layer_size + 1))
    Theta2 = np.reshape(nn_params[hidden_layer_size * (input_layer_size + 1):], (num_labels, hidden_layer_size + 1))
    m = y.size
    a1 = np.concatenate([np.ones((m, 1)), X], axis=1)
    z2 = a1.dot(Theta1.T)
    a2 = np.concatenate([np.ones((m, 1)), sigmoid(z2)], axis=1)
    a3 = sigmoid(a2.dot(Theta2.T))
    y_matrix = np.eye(num_labels)[y.reshape(-1)]
    J = -np.sum(y_matrix * np.log(a3) + (1 - y_matrix) * np.log(1 - a3)) / m
    J = J + lambda_ / (2 * m) * (np.sum(Theta1[:, 1:] ** 2) + np.sum(Theta2[:, 1:] ** 2))
    delta_3 = a3 - y_matrix
    delta_2 = delta_3.dot(Theta2)[:, 1:] * sigmoidGradient(z2)
    Theta1_grad = delta_2.T.dot(a1) / m
    Theta2_grad = delta_3.T.dot(a2) / m
    Theta1_grad[:, 1:] += lambda_ / m * Theta1[:, 1:]
    Theta2_grad[:, 1:] += lambda_ / m * Theta2[:, 1:]
    grad = np.concatenate([Theta1_grad.ravel(), Theta2_grad.ravel()])
    return J, grad
"""

SURFACE = """
import numpy as np

def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2

def rosenbrock_grad(x):
    return np.array([-2 * (1 - x[0]) - 400 * x[0] * (x[1] - x[0] ** 2), 200 * (x[1] - x[0] ** 2)])

def beale(x, y):
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2

def grad_beale(x, y):
    dx = 2 * (1.5 - x + x * y) * (y - 1) + 2 * (2.25 - x + x * y**2) * (y**2 - 1) + 2 * (2.625 - x + x * y**3) * (y**3 - 1)
    dy = 2 * (1.5 - x + x * y) * x + 2 * (2.25 - x + x * y**2) * (2 * x * y) + 2 * (2.625 - x + x * y**3) * (3 * x * y**2)
    return dx, dy
"""

OWN_DATA = """
import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(30, 3))
true_w = np.array([1.0, -2.0, 0.5])
y = X @ true_w + 0.1 * rng.normal(size=30)
w = np.zeros(3)

def loss(w):
    return np.mean((X @ w - y) ** 2)

def gradient(w):
    return 2 * X.T @ (X @ w - y) / len(y)

for step in range(50):
    w = w - 0.1 * gradient(w)
"""

PLAIN_LOOPS = """
def mean_squared_error(w, b, xs, ys):
    total = 0
    for i in range(len(xs)):
        total += (ys[i] - (w * xs[i] + b)) ** 2
    return total / len(xs)

def gradients(w, b, xs, ys):
    n = len(xs)
    dw = 0
    db = 0
    for i in range(n):
        dw += -2 / n * xs[i] * (ys[i] - (w * xs[i] + b))
        db += -2 / n * (ys[i] - (w * xs[i] + b))
    return dw, db
"""

SCIKIT_STYLE = """
import numpy as np

class LogisticRegression:
    def __init__(self, learning_rate=0.1, reg=0.1):
        self.learning_rate = learning_rate
        self.reg = reg
        self.w = None
        self.b = None

    def _sigmoid(self, z):
        return 1 / (1 + np.exp(-z))

    def predict_proba(self, X):
        return self._sigmoid(X @ self.w + self.b)

    def _loss(self, X, y):
        p = self.predict_proba(X)
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) + 0.5 * self.reg * np.sum(self.w ** 2)

    def _gradients(self, X, y):
        p = self.predict_proba(X)
        dw = X.T @ (p - y) / len(y) + self.reg * self.w
        db = np.mean(p - y)
        return dw, db

    def fit(self, X, y, epochs=100):
        self.w, self.b = np.zeros(X.shape[1]), 0.0
        for _ in range(epochs):
            dw, db = self._gradients(X, y)
            self.w -= self.learning_rate * dw
            self.b -= self.learning_rate * db
        return self
"""

TRASK = """
import numpy as np

def nonlin(x, deriv=False):
    if deriv:
        return x * (1 - x)
    return 1 / (1 + np.exp(-x))

X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
y = np.array([[0], [1], [1], [0]])
np.random.seed(1)
syn0 = 2 * np.random.random((3, 4)) - 1
syn1 = 2 * np.random.random((4, 1)) - 1
for j in range(20):
    l0 = X
    l1 = nonlin(np.dot(l0, syn0))
    l2 = nonlin(np.dot(l1, syn1))
    l2_delta = (y - l2) * nonlin(l2, deriv=True)
    l1_delta = l2_delta.dot(syn1.T) * nonlin(l1, deriv=True)
    syn1 += l1.T.dot(l2_delta)
    syn0 += l0.T.dot(l1_delta)
"""

ACTIVATION_CLASSES = """
import numpy as np

class Sigmoid():
    def __call__(self, x):
        return 1 / (1 + np.exp(-x))

    def gradient(self, x):
        return self.__call__(x) * (1 - self.__call__(x))

class LeakyReLU():
    def __init__(self, alpha=0.2):
        self.alpha = alpha

    def __call__(self, x):
        return np.where(x >= 0, x, self.alpha * x)

    def gradient(self, x):
        return np.where(x >= 0, 1, self.alpha)

class ELU():
    def __init__(self, alpha=0.1):
        self.alpha = alpha

    def __call__(self, x):
        return np.where(x >= 0.0, x, self.alpha * (np.exp(x) - 1))

    def gradient(self, x):
        return np.where(x >= 0.0, 1, self.__call__(x) + self.alpha)

class SquareLoss():
    def loss(self, y, y_pred):
        return 0.5 * np.power(y - y_pred, 2)

    def gradient(self, y, y_pred):
        return -(y - y_pred)

class CrossEntropy():
    def loss(self, y, p):
        p = np.clip(p, 1e-15, 1 - 1e-15)
        return -y * np.log(p) - (1 - y) * np.log(1 - p)

    def gradient(self, y, p):
        p = np.clip(p, 1e-15, 1 - 1e-15)
        return -(y / p) + (1 - y) / (1 - p)
"""

KEEPS_ITS_GRADIENTS = '''
import numpy as np

class NeuralNetwork:
    """Two layers; backward leaves the gradients in the object."""

    def __init__(self, input_dim, hidden_dim, output_dim):
        rng = np.random.default_rng(42)
        self.W1 = rng.normal(0, 0.1, (input_dim, hidden_dim))
        self.b1 = np.zeros((1, hidden_dim))
        self.W2 = rng.normal(0, 0.1, (hidden_dim, output_dim))
        self.b2 = np.zeros((1, output_dim))

    def forward(self, X):
        self.z1 = X @ self.W1 + self.b1
        self.a1 = np.tanh(self.z1)
        self.z2 = self.a1 @ self.W2 + self.b2
        exps = np.exp(self.z2 - self.z2.max(axis=1, keepdims=True))
        self.probs = exps / exps.sum(axis=1, keepdims=True)
        return self.probs

    def compute_loss(self, y_pred, y_true):
        return -np.mean(np.sum(y_true * np.log(y_pred + 1e-12), axis=1))

    def backward(self, X, y_true):
        m = X.shape[0]
        dz2 = (self.probs - y_true) / m
        self.dW2 = self.a1.T @ dz2
        self.db2 = np.sum(dz2, axis=0, keepdims=True)
        da1 = dz2 @ self.W2.T
        dz1 = da1 * (1 - self.a1 ** 2)
        self.dW1 = X.T @ dz1
        self.db1 = np.sum(dz1, axis=0, keepdims=True)
'''

DESCENDS_AT_ONCE = """
import numpy as np

def mse_loss(y_true, y_pred):
    return 0.5 * np.sum((y_true - y_pred) ** 2)

class MLP:
    def __init__(self, n_inputs, n_hidden, n_outputs, lr=0.1):
        self.W1 = np.random.randn(n_inputs, n_hidden) * 0.5
        self.W2 = np.random.randn(n_hidden, n_outputs) * 0.5
        self.lr = lr

    def sigmoid(self, s):
        return 1 / (1 + np.exp(-s))

    def forward(self, X):
        self.h = self.sigmoid(X @ self.W1)
        self.out = self.sigmoid(self.h @ self.W2)
        return self.out

    def backward(self, X, y):
        out_error = y - self.out
        out_delta = out_error * self.out * (1 - self.out)
        h_error = out_delta @ self.W2.T
        h_delta = h_error * self.h * (1 - self.h)
        self.W1 += self.lr * X.T @ h_delta
        self.W2 += self.lr * self.h.T @ out_delta
"""

LIST_OF_ARRAYS = """
import numpy as np

def init_network(sizes):
    return [(np.random.randn(a, b) * 0.1, np.zeros(b)) for a, b in zip(sizes[:-1], sizes[1:])]

def forward(params, X):
    activations = [X]
    for W, b in params[:-1]:
        activations.append(np.maximum(activations[-1] @ W + b, 0))
    W, b = params[-1]
    activations.append(activations[-1] @ W + b)
    return activations

def loss(params, X, y):
    out = forward(params, X)[-1]
    return np.mean(np.sum((out - y) ** 2, axis=1))

def grad(params, X, y):
    acts = forward(params, X)
    delta = 2 * (acts[-1] - y) / len(X)
    grads = []
    for i in reversed(range(len(params))):
        W, b = params[i]
        grads.insert(0, (acts[i].T @ delta, delta.sum(axis=0)))
        delta = (delta @ W.T) * (acts[i] > 0)
    return grads
"""

FLOAT32 = """
import numpy as np

np.random.seed(0)
X = np.random.randn(12, 5).astype(np.float32)
Y = np.eye(3, dtype=np.float32)[np.random.randint(0, 3, 12)]
params = {
    "W1": (np.random.randn(5, 6) * 0.5).astype(np.float32), "b1": (np.random.randn(6) * 0.1).astype(np.float32),
    "W2": (np.random.randn(6, 3) * 0.5).astype(np.float32), "b2": (np.random.randn(3) * 0.1).astype(np.float32),
}

def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

def cross_entropy(params, X, Y):
    h = np.tanh(X @ params["W1"] + params["b1"])
    p = softmax(h @ params["W2"] + params["b2"])
    return -np.mean(np.sum(Y * np.log(p), axis=1))

def backward(params, X, Y):
    h = np.tanh(X @ params["W1"] + params["b1"])
    p = softmax(h @ params["W2"] + params["b2"])
    d2 = (p - Y) / np.float32(len(X))
    d1 = (d2 @ params["W2"].T) * (1 - h * h)
    return {"W1": X.T @ d1, "b1": d1.sum(0), "W2": h.T @ d2, "b2": d2.sum(0)}
"""

CLOSURE_DROPOUT = """
import numpy as np

rng = np.random.default_rng(7)
X = rng.normal(size=(16, 4))
y = rng.normal(size=(16, 1))
params = dict(W1=rng.normal(size=(4, 8)), b1=rng.normal(size=8), W2=rng.normal(size=(8, 1)), b2=rng.normal(size=1))
keep_prob = 0.8

def loss_and_grad(params):
    z1 = X @ params["W1"] + params["b1"]
    mask = (rng.random(z1.shape) < keep_prob) / keep_prob
    a1 = np.maximum(z1, 0) * mask
    out = a1 @ params["W2"] + params["b2"]
    loss = 0.5 * np.mean((out - y) ** 2)
    dout = (out - y) / out.size
    dz1 = dout @ params["W2"].T * mask * (z1 > 0)
    grads = dict(W1=X.T @ dz1, b1=dz1.sum(0), W2=a1.T @ dout, b2=dout.sum(0))
    return loss, grads
"""

SOFTMAX_REGRESSION = """
import numpy as np

def softmax_loss_vectorized(W, X, y, reg):
    num_train = X.shape[0]
    scores = X.dot(W)
    scores -= scores.max(axis=1, keepdims=True)
    p = np.exp(scores)
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(num_train), y]).sum() / num_train + reg * np.sum(W * W)
    p[np.arange(num_train), y] -= 1
    dW = X.T.dot(p) / num_train + 2 * reg * W
    return loss, dW

def svm_loss_naive(W, X, y, reg):
    dW = np.zeros(W.shape)
    num_classes = W.shape[1]
    num_train = X.shape[0]
    loss = 0.0
    for i in range(num_train):
        scores = X[i].dot(W)
        correct_class_score = scores[y[i]]
        for j in range(num_classes):
            if j == y[i]:
                continue
            margin = scores[j] - correct_class_score + 1
            if margin > 0:
                loss += margin
                dW[:, j] += X[i]
                dW[:, y[i]] -= X[i]
    loss /= num_train
    dW /= num_train
    loss += reg * np.sum(W * W)
    dW += 2 * reg * W
    return loss, dW
"""

RNN_STEP = """
import numpy as np

def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x.dot(Wx) + prev_h.dot(Wh) + b)
    cache = (x, prev_h, Wx, Wh, next_h)
    return next_h, cache

def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    dtheta = dnext_h * (1 - next_h ** 2)
    dx = dtheta.dot(Wx.T)
    dprev_h = dtheta.dot(Wh.T)
    dWx = x.T.dot(dtheta)
    dWh = prev_h.T.dot(dtheta)
    db = dtheta.sum(axis=0)
    return dx, dprev_h, dWx, dWh, db
"""

POLYNOMIAL = """
import numpy as np

def f(x):
    return x ** 4 - 3 * x ** 3 + 2

def df(x):
    return 4 * x ** 3 - 9 * x ** 2

def gradient_descent(x, lr=0.01, steps=100):
    for _ in range(steps):
        x = x - lr * df(x)
    return x
"""

GLOBAL_WEIGHTS = """
import numpy as np

np.random.seed(3)
W = np.random.randn(4, 2)
b = np.random.randn(2)

def predict(X):
    return X @ W + b

def cost(X, y):
    return 0.5 * np.sum((predict(X) - y) ** 2) / len(X)

def compute_gradients(X, y):
    error = predict(X) - y
    dW = X.T @ error / len(X)
    db = error.mean(axis=0)
    return dW, db
"""

ZERO_START = """
import numpy as np

X = np.array([[1.0, 2.0], [2.0, 0.5], [3.0, -1.0], [-1.0, 1.5]])
y = np.array([0.0, 0.0, 0.0, 0.0])
w = np.array([0.0, 0.0])

def loss(w):
    return ((X @ w - y) ** 2).sum()

def gradient(w):
    return 2 * X.T @ (X @ w - y)
"""

COSTLESS_DIGITS = """
import numpy as np

def start():
    rng = np.random.default_rng(1)
    return rng.random((12, 49)) - 0.5, rng.random((12, 1)) - 0.5, rng.random((10, 12)) - 0.5, rng.random((10, 1)) - 0.5

def init_weights():
    W1, b1, W2, b2 = start()
    return W1, b1, W2, b2

def relu(z):
    return np.maximum(z, 0)

def drelu(z):
    return z > 0

def softmax(z):
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)

def forward(W1, b1, W2, b2, X):
    Z1 = W1 @ X + b1
    A1 = relu(Z1)
    Z2 = W2 @ A1 + b2
    A2 = softmax(Z2)
    return Z1, A1, Z2, A2

def as_columns(labels):
    columns = np.zeros((labels.max() + 1, labels.size))
    columns[labels, np.arange(labels.size)] = 1
    return columns

def backward(Z1, A1, Z2, A2, W2, X, labels):
    m = labels.size
    dZ2 = A2 - as_columns(labels)
    dW2 = dZ2 @ A1.T / m
    db2 = dZ2.sum(axis=1, keepdims=True) / m
    dZ1 = W2.T @ dZ2 * drelu(Z1)
    dW1 = dZ1 @ X.T / m
    db1 = dZ1.sum(axis=1, keepdims=True) / m
    return dW1, db1, dW2, db2
"""

COSTLESS_LINE = """
import numpy as np

class Line:
    def __init__(self, rate=0.05):
        self.rate = rate
        self.w = 0.0
        self.b = 0.0

    def forward(self, x):
        return self.w * x + self.b

    def gradients(self, x, y, y_hat):
        n = len(x)
        dw = 2 / n * np.sum((y_hat - y) * x)
        db = 2 / n * np.sum(y_hat - y)
        return dw, db
"""

COSTLESS_OBJECT = '''
import numpy as np

def squash(x):
    return 1.0 / (1.0 + np.exp(-x))

class TinyNet:
    """Holds its data; what it descends on is nowhere written."""

    def __init__(self, x, y):
        self.input, self.y = x, y
        self.weights1 = np.random.rand(x.shape[1], 5)
        self.weights2 = np.random.rand(5, y.shape[1])
        self.output = np.zeros(y.shape)

    def feedforward(self):
        self.hidden = squash(self.input @ self.weights1)
        self.output = squash(self.hidden @ self.weights2)

    def backprop(self):
        error = 2 * (self.y - self.output) * self.output * (1 - self.output)
        back = error @ self.weights2.T * self.hidden * (1 - self.hidden)
        self.weights2 += self.hidden.T @ error
        self.weights1 += self.input.T @ back
'''


RNN_CHARACTERS = """
import numpy as np
def rnn_loss(params, inputs, targets, h0):
    Wxh, Whh, Why, bh, by = params["Wxh"], params["Whh"], params["Why"], params["bh"], params["by"]
    xs, hs, ps = {}, {-1: h0}, {}
    loss = 0
    for t in range(len(inputs)):
        hs[t] = np.tanh(Wxh @ inputs[t] + Whh @ hs[t-1] + bh)
        y = Why @ hs[t] + by
        ps[t] = np.exp(y) / np.sum(np.exp(y))
        loss += -np.sum(targets[t] * np.log(ps[t]))
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby = np.zeros_like(bh), np.zeros_like(by)
    dhnext = np.zeros_like(h0)
    for t in reversed(range(len(inputs))):
        dy = ps[t] - targets[t]
        dWhy += np.outer(dy, hs[t])
        dby += dy
        dh = Why.T @ dy + dhnext
        draw = (1 - hs[t] ** 2) * dh
        dbh += draw
        dWxh += np.outer(draw, inputs[t])
        dWhh += np.outer(draw, hs[t-1])
        dhnext = Whh.T @ draw
    return loss, {"Wxh": dWxh, "Whh": dWhh, "Why": dWhy, "bh": dbh, "by": dby}
rng = np.random.default_rng(0)
params = {"Wxh": rng.normal(size=(4, 3)), "Whh": rng.normal(size=(4, 4)), "Why": rng.normal(size=(3, 4)), "bh": np.zeros(4), "by": np.zeros(3)}
inputs = np.eye(3)[[0, 1, 2, 1]]
targets = np.eye(3)[[1, 2, 1, 0]]
h0 = np.zeros(4)
"""

TRAIN_STEP = """
import numpy as np
def relu(x): return np.maximum(0, x)
def train_step(params, X, y, p=0.8, rng=np.random.default_rng(0)):
    W1, b1, W2, b2 = params
    m = X.shape[0]
    z1 = X @ W1 + b1
    a1 = relu(z1)
    mask = (rng.random(a1.shape) < p) / p
    a1d = a1 * mask
    out = a1d @ W2 + b2
    loss = np.sum((out - y) ** 2) / (2 * m)
    dout = (out - y) / m
    dW2 = a1d.T @ dout
    db2 = dout.sum(0)
    da1 = dout @ W2.T * mask
    dz1 = da1 * (z1 > 0)
    dW1 = X.T @ dz1
    db1 = dz1.sum(0)
    return loss, [dW1, db1, dW2, db2]
"""


class Subject(NamedTuple):
    """A file, and the gradients it is expected to hold."""

    text: str
    gradients: tuple[str, ...]


FILES = {
    "coursera_logistic": Subject(COURSERA_LOGISTIC, ("propagate",)),
    "coursera_planar": Subject(COURSERA_PLANAR, ("backward_propagation",)),
    "coursera_deep": Subject(
        COURSERA_DEEP,
        ("relu_backward", "sigmoid_backward", "linear_backward", "linear_activation_backward", "L_model_backward"),
    ),
    "gradient_check_n": Subject(GRADIENT_CHECK_N, ("backward_propagation", "backward_propagation_n")),
    "regularized": Subject(
        REGULARIZED, ("backward_propagation_with_regularization", "backward_propagation_with_dropout")
    ),
    "two_layer_net": Subject(TWO_LAYER_NET, ("TwoLayerNet",)),
    "cs231n_layers": Subject(
        CS231N_LAYERS, ("softmax_loss", "svm_loss", "affine_backward", "relu_backward", "batchnorm_backward")
    ),
    "from_scratch_layers": Subject(FROM_SCRATCH_LAYERS, ("Relu", "Sigmoid", "Affine")),
    "dense_with_rate": Subject(DENSE_WITH_RATE, ("mse_prime", "binary_cross_entropy_prime", "tanh_prime", "Dense")),
    "nielsen": Subject(NIELSEN, ("sigmoid_prime", "Network")),
    "chinese": Subject(CHINESE, ("激活函数导数", "反向传播")),
    "andrew_ng_theta": Subject(ANDREW_NG_THETA, ("cost_function", "cost_function_reg")),
    "nn_cost_function": Subject(NN_COST_FUNCTION, ("nnCostFunction", "sigmoidGradient")),
    "surface": Subject(SURFACE, ("rosenbrock_grad", "grad_beale")),
    "own_data": Subject(OWN_DATA, ("gradient",)),
    "plain_loops": Subject(PLAIN_LOOPS, ("gradients",)),
    "scikit_style": Subject(SCIKIT_STYLE, ("LogisticRegression",)),
    "trask": Subject(TRASK, ("nonlin(deriv=True)",)),
    "activation_classes": Subject(
        ACTIVATION_CLASSES,
        ("Sigmoid.gradient", "LeakyReLU.gradient", "ELU.gradient", "SquareLoss.gradient", "CrossEntropy.gradient"),
    ),
    "keeps_its_gradients": Subject(KEEPS_ITS_GRADIENTS, ("NeuralNetwork",)),
    "descends_at_once": Subject(DESCENDS_AT_ONCE, ("MLP",)),
    "list_of_arrays": Subject(LIST_OF_ARRAYS, ("grad",)),
    "float32": Subject(FLOAT32, ("backward",)),
    "closure_dropout": Subject(CLOSURE_DROPOUT, ("loss_and_grad",)),
    "softmax_regression": Subject(SOFTMAX_REGRESSION, ("softmax_loss_vectorized", "svm_loss_naive")),
    "rnn_step": Subject(RNN_STEP, ("rnn_step_backward",)),
    "rnn_characters": Subject(RNN_CHARACTERS, ("rnn_loss",)),
    "train_step": Subject(TRAIN_STEP, ("train_step",)),
    "polynomial": Subject(POLYNOMIAL, ("df",)),
    "global_weights": Subject(GLOBAL_WEIGHTS, ("compute_gradients",)),
    "zero_start": Subject(ZERO_START, ("gradient",)),
    "costless_digits": Subject(COSTLESS_DIGITS, ("drelu", "backward")),
    "costless_line": Subject(COSTLESS_LINE, ("Line",)),
    "costless_object": Subject(COSTLESS_OBJECT, ("TinyNet",)),
}


class Slip(NamedTuple):
    """One slip: the file, the text that is right, the text instead, whose gradient, its blocks, the cause."""

    file: str
    right: str
    instead: str
    name: str
    blocks: str
    code: str

    def __str__(self) -> str:
        return f"{self.file}: {self.instead.strip()[:40] or f'no {self.right.strip()[:37]}'}"


SLIPS = [
    Slip("coursera_logistic", "db = 1 / m * np.sum(A - Y)", "db = np.sum(A - Y)", "propagate", "b", "missing_1_m"),
    Slip("coursera_logistic", "dw = 1 / m * np.dot(X, (A - Y).T)", "dw = 1 / m * np.dot(X, (Y - A).T)", "propagate", "w", "sign"),
    Slip("coursera_planar", "1 - np.power(A1, 2)", "1 - np.power(A1, 3)", "backward_propagation", "W1 b1", ""),
    Slip("coursera_planar", "1 - np.power(A1, 2)", "A1 * (1 - A1)", "backward_propagation", "W1 b1", "activation_slope_other"),
    Slip("coursera_planar", "db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)", "db1 = 1 / m * np.sum(dZ1)", "backward_propagation", "b1", "bias_axis"),
    Slip("coursera_deep", "dZ[Z <= 0] = 0", "dZ[dZ <= 0] = 0", "relu_backward", "Z", ""),
    Slip("coursera_deep", "dAL = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))", "dAL = AL - Y", "L_model_backward", "", "output_slope_twice"),
    Slip("gradient_check_n", "dW2 = 1.0 / m * np.dot(dZ2, A1.T)", "dW2 = 1.0 / m * np.dot(dZ2, A1.T) * 2", "backward_propagation_n", "W2", "factor_2"),
    Slip("gradient_check_n", "db1 = 1.0 / m * np.sum(dZ1", "db1 = 3.7 / m * np.sum(dZ1", "backward_propagation_n", "b1", "factor"),
    Slip("regularized", "(lambd * W2) / m", "(lambd * W2)", "backward_propagation_with_regularization", "W2", "l2_not_over_m"),
    Slip("regularized", " + (lambd * W1) / m", "", "backward_propagation_with_regularization", "W1", "l2_loss_only"),
    Slip("regularized", "    dA1 = dA1 / keep_prob\n", "", "backward_propagation_with_dropout", "W1 b1", "mask_unscaled"),
    Slip("two_layer_net", "dscores /= N", "dscores /= 1", "TwoLayerNet", "W1 b1 W2 b2", "missing_1_m"),
    Slip("two_layer_net", "+ 2 * reg * W1", "+ reg * W1", "TwoLayerNet", "W1", "l2_half"),
    Slip("two_layer_net", "        dhidden[hidden <= 0] = 0\n", "", "TwoLayerNet", "W1 b1", "activation_slope_missing"),
    Slip("cs231n_layers", "db = dout.sum(axis=0)", "db = dout.sum(axis=0) / N", "affine_backward", "b", "twice_1_m"),
    Slip("cs231n_layers", "- xhat * np.mean(dxhat * xhat, axis=0)", "", "batchnorm_backward", "x", ""),
    Slip("cs231n_layers", "    dx[np.arange(N), y] -= num_pos\n", "", "svm_loss", "x", ""),
    Slip("from_scratch_layers", "dx = np.dot(dout, self.W.T)", "dx = np.dot(dout, self.W.T) / 2", "Affine", "input", "factor_half"),
    Slip("from_scratch_layers", "(1.0 - self.out) * self.out", "(1.0 - self.out)", "Sigmoid", "input", ""),
    Slip("dense_with_rate", "1 - np.tanh(x) ** 2", "1 - x ** 2 / 2", "tanh_prime", "x", ""),
    Slip("dense_with_rate", "return 2 * (y_pred - y_true) / np.size(y_true)", "return 2 * (y_true - y_pred) / np.size(y_true)", "mse_prime", "x", "sign"),
    Slip("dense_with_rate", "return 2 * (y_pred - y_true) / np.size(y_true)", "return (y_pred - y_true) / np.size(y_true)", "mse_prime", "x", "factor_half"),
    Slip("nielsen", "y) * sigmoid_prime(zs[-1])", "y)", "Network", "", ""),
    Slip("nielsen", "sp = sigmoid_prime(z)", "sp = sigmoid_prime(activations[-l])", "Network", "", ""),
    Slip("chinese", '* 激活函数导数(缓存["z1"])', '* 激活函数导数(缓存["a1"])', "反向传播", "W1 b1", "activation_slope_at_a"),
    Slip("chinese", "return 激活函数(x) * (1 - 激活函数(x))", "return 激活函数(x) * (1 + 激活函数(x))", "激活函数导数", "x", ""),
    Slip("andrew_ng_theta", "grad[1:] = grad[1:] + lam / m * theta[1:]", "grad = grad + lam / m * theta", "cost_function_reg", "theta", "l2_gradient_only"),
    Slip("andrew_ng_theta", "grad = (1.0 / m) * X.T.dot(h - y)", "grad = X.T.dot(h - y)", "cost_function", "theta", "missing_1_m"),
    Slip("nn_cost_function", "Theta1_grad[:, 1:] += lambda_ / m * Theta1[:, 1:]", "pass", "nnCostFunction", "nn_params", ""),
    Slip("surface", "200 * (x[1] - x[0] ** 2)])", "100 * (x[1] - x[0] ** 2)])", "rosenbrock_grad", "x", ""),
    Slip("surface", "(3 * x * y**2)", "(2 * x * y**2)", "grad_beale", "y", ""),
    Slip("own_data", "return 2 * X.T @ (X @ w - y) / len(y)", "return X.T @ (X @ w - y) / len(y)", "gradient", "w", "factor_half"),
    Slip("plain_loops", "db += -2 / n *", "db += -2 *", "gradients", "b", "missing_1_m"),
    Slip("scikit_style", " + self.reg * self.w\n", "\n", "LogisticRegression", "w", "l2_loss_only"),
    Slip("trask", "return x * (1 - x)", "return x * (1 - x * x)", "nonlin(deriv=True)", "x", ""),
    Slip("activation_classes", "1, self.__call__(x) + self.alpha", "1, self.__call__(x)", "ELU.gradient", "x", ""),
    Slip("keeps_its_gradients", "dz1 = da1 * (1 - self.a1 ** 2)", "dz1 = da1 * (1 - self.z1 ** 2)", "NeuralNetwork", "W1 b1", "activation_slope_of_z"),
    Slip("keeps_its_gradients", "self.db1 = np.sum(dz1, axis=0, keepdims=True)", "self.db1 = np.sum(dz1, axis=1, keepdims=True)", "NeuralNetwork", "b1", ""),
    Slip("descends_at_once", "h_delta = h_error * self.h * (1 - self.h)", "h_delta = h_error", "MLP", "W1", "activation_slope_missing"),
    Slip("list_of_arrays", "delta = (delta @ W.T) * (acts[i] > 0)", "delta = delta @ W.T", "grad", "", "activation_slope_missing"),
    Slip("float32", "* (1 - h * h)", "* (1 - h)", "backward", "W1 b1", ""),
    Slip("closure_dropout", "* mask * (z1 > 0)", "* (z1 > 0)", "loss_and_grad", "W1 b1", ""),
    Slip("softmax_regression", "dW = X.T.dot(p) / num_train + 2 * reg * W", "dW = X.T.dot(p) / num_train + reg * W", "softmax_loss_vectorized", "W", "l2_half"),
    Slip("softmax_regression", "                dW[:, y[i]] -= X[i]\n", "", "svm_loss_naive", "W", ""),
    Slip("rnn_step", "dWh = prev_h.T.dot(dtheta)", "dWh = prev_h.T.dot(dnext_h)", "rnn_step_backward", "Wh", ""),
    Slip("rnn_characters", "Why.T @ dy + dhnext", "Why.T @ dy", "rnn_loss", "Wxh Whh bh", ""),
    Slip("train_step", "W2.T * mask", "W2.T * (mask > 0)", "train_step", "x[0] x[1]", "mask_unscaled"),
    Slip("polynomial", "4 * x ** 3 - 9 * x ** 2", "4 * x ** 3 - 9 * x", "df", "x", ""),
    Slip("costless_digits", "db1 = dZ1.sum(axis=1, keepdims=True) / m", "db1 = dZ1.sum() / m", "backward", "b1", "bias_axis"),
    Slip("costless_line", "db = 2 / n *", "db = 2 *", "Line", "b", "missing_1_m"),
    Slip("costless_object", "* self.hidden * (1 - self.hidden)", "* self.hidden", "TinyNet", "weights1", ""),
    Slip("global_weights", "db = error.mean(axis=0)", "db = error.sum(axis=0)", "compute_gradients", "b", "missing_1_m"),
]  # fmt: skip
