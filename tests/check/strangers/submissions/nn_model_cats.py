import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def initialize_optimizer(parameters):
    v, s = {}, {}
    for key, value in parameters.items():
        v["d" + key] = np.zeros(value.shape)
        s["d" + key] = np.zeros(value.shape)
    return v, s


def update_parameters(parameters, grads, v, s, t, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
    L = len(parameters) // 2
    for l in range(1, L + 1):
        v["dW%d" % l] = beta1 * v["dW%d" % l] + (1 - beta1) * grads["dW%d" % l]
        v["db%d" % l] = beta1 * v["db%d" % l] + (1 - beta1) * grads["db%d" % l]
        s["dW%d" % l] = beta2 * s["dW%d" % l] + (1 - beta2) * grads["dW%d" % l] ** 2
        s["db%d" % l] = beta2 * s["db%d" % l] + (1 - beta2) * grads["db%d" % l] ** 2

        v_dW = v["dW%d" % l] / (1 - beta1 ** t)
        v_db = v["db%d" % l] / (1 - beta1 ** t)
        s_dW = s["dW%d" % l] / (1 - beta2 ** t)
        s_db = s["db%d" % l] / (1 - beta2 ** t)

        parameters["W%d" % l] = parameters["W%d" % l] - learning_rate * v_dW / (np.sqrt(s_dW) + epsilon)
        parameters["b%d" % l] = parameters["b%d" % l] - learning_rate * v_db / (np.sqrt(s_db) + epsilon)
    return parameters, v, s


def random_mini_batches(X, Y, mini_batch_size=64, seed=0):
    np.random.seed(seed)
    m = X.shape[1]
    permutation = list(np.random.permutation(m))
    return [(X[:, permutation[k:k + mini_batch_size]], Y[:, permutation[k:k + mini_batch_size]])
            for k in range(0, m, mini_batch_size)]


def model(X, Y, n_h=4, learning_rate=0.005, num_epochs=50, print_cost=False):
    np.random.seed(1)
    parameters = {"W1": np.random.randn(n_h, X.shape[0]) * 0.1, "b1": np.zeros((n_h, 1)),
                  "W2": np.random.randn(1, n_h) * 0.1, "b2": np.zeros((1, 1))}
    v, s = initialize_optimizer(parameters)
    t = 0
    for i in range(num_epochs):
        cost_total = 0
        for minibatch_X, minibatch_Y in random_mini_batches(X, Y, seed=i):
            m = minibatch_X.shape[1]
            A1 = np.maximum(0, parameters["W1"] @ minibatch_X + parameters["b1"])
            A2 = sigmoid(parameters["W2"] @ A1 + parameters["b2"])
            cost_total += -np.sum(minibatch_Y * np.log(A2) + (1 - minibatch_Y) * np.log(1 - A2))
            dZ2 = (A2 - minibatch_Y) / m
            dZ1 = (parameters["W2"].T @ dZ2) * (A1 > 0)
            grads = {"dW1": dZ1 @ minibatch_X.T, "db1": dZ1.sum(axis=1, keepdims=True),
                     "dW2": dZ2 @ A1.T, "db2": dZ2.sum(axis=1, keepdims=True)}
            t = t + 1
            parameters, v, s = update_parameters(parameters, grads, v, s, t, learning_rate)
        if print_cost and i % 10 == 0:
            print("Cost after epoch %i: %f" % (i, cost_total / X.shape[1]))
    return parameters


if __name__ == "__main__":
    X = np.random.randn(2, 200)
    Y = (X[:1] > X[1:]).astype(int)
    model(X, Y, print_cost=True)
