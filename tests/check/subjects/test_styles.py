"""Styles in which people write update rules, one by one: each is found, played and named without being asked."""

from __future__ import annotations

from typing import Any

import pytest

from thalweg.check.diagnosis import examine
from thalweg.check.subjects import Source, adapt
from thalweg.check.subjects.finding import find

# What it is like, the verdict, the rule, the name to ask for where the text has several, the text.
STYLES: dict[str, tuple[str, str, str | None, str]] = {
    "a number beside the list of new arrays": (
        "right",
        "gradient_descent",
        None,
        """
import numpy as np
def step(params, grads, lr=0.1):
    loss = np.array(0.5)
    return loss, [p - lr * g for p, g in zip(params, grads)]
""",
    ),
    "a prepared object that returns the step": (
        "same",
        "momentum",
        "SGD",
        """
import abc
import numpy as np
class Optimizer(abc.ABC):
    def initialize(self, params): pass
    @abc.abstractmethod
    def step(self, grad): ...
class SGD(Optimizer):
    def __init__(self, learning_rate=0.1, momentum=0.9):
        self.learning_rate = learning_rate; self.momentum = momentum
    def initialize(self, params):
        self.v = np.zeros_like(params)
    def step(self, grad):
        self.v = self.learning_rate * grad + self.momentum * self.v
        return self.v
""",
    ),
    "dictionaries of layers": (
        "right",
        "gradient_descent",
        None,
        """
class SGD:
    def __init__(self, lr=0.01): self.lr = lr
    def update(self, params, grad):
        for layer, layer_params in params.items():
            for key, val in layer_params.items():
                params[layer][key] -= self.lr * grad[layer][key]
""",
    ),
    "a class around a gradient function, which asks before it starts": (
        "right",
        "rmsprop",
        None,
        """
import numpy as np
class RMSPropOptimizer:
    def __init__(self, f_grad, lr=0.01, rho=0.9):
        self.df = f_grad; self.lr = lr; self.rho = rho
    def optimize(self, x0, n_epochs=100, tolerance=1e-8):
        x = np.copy(x0); s = 0.0
        g = self.df(x); n = 0
        while n < n_epochs and np.linalg.norm(g) > tolerance:
            s = self.rho*s + (1-self.rho)*g*g
            x = x - self.lr*g/(np.sqrt(s)+1e-8)
            g = self.df(x); n += 1
        return x
""",
    ),
    "a loop that returns its way with values": (
        "right",
        "adagrad",
        None,
        """
import numpy as np
def adagrad(f, grad, init, eta=0.1, epochs=50):
    x = init
    G = np.zeros(len(x))
    path = []
    for _ in range(epochs):
        g = grad(x)
        G = G + g**2
        x = x - eta/(np.sqrt(G)+1e-8)*g
        path.append((x, f(x)))
    return path
""",
    ),
    "a loop over one number with a tolerance": (
        "right",
        "gradient_descent",
        None,
        """
def gd(df, x, lr=0.1, tol=1e-6, max_iter=1000):
    xs = [x]
    for i in range(max_iter):
        new = x - lr * df(x)
        if abs(new - x) < tol:
            break
        x = new
        xs.append(x)
    return x, xs
""",
    ),
    "layers that keep their velocity": (
        "right",
        "momentum",
        None,
        """
import numpy as np
def step(layers, lr=0.1, mu=0.9):
    for layer in layers:
        if not hasattr(layer, 'vW'):
            layer.vW = np.zeros_like(layer.W); layer.vb = np.zeros_like(layer.b)
        layer.vW = mu*layer.vW + layer.dW
        layer.vb = mu*layer.vb + layer.db
        layer.W -= lr*layer.vW
        layer.b -= lr*layer.vb
""",
    ),
    "weights and bias with all their moments as arguments": (
        "right",
        "adam",
        None,
        """
import numpy as np
def adam_update(w, b, dw, db, vdw, vdb, sdw, sdb, t, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    vdw = beta1*vdw + (1-beta1)*dw; vdb = beta1*vdb + (1-beta1)*db
    sdw = beta2*sdw + (1-beta2)*dw**2; sdb = beta2*sdb + (1-beta2)*db**2
    vw, vb = vdw/(1-beta1**t), vdb/(1-beta1**t)
    sw, sb = sdw/(1-beta2**t), sdb/(1-beta2**t)
    w = w - lr*vw/(np.sqrt(sw)+eps); b = b - lr*vb/(np.sqrt(sb)+eps)
    return w, b, vdw, vdb, sdw, sdb
""",
    ),
    "lists of floats and a dictionary of state": (
        "right",
        "adam",
        None,
        """
import math
def adam_step(theta, grad, state):
    m, v, t = state['m'], state['v'], state['t'] + 1
    m = [0.9*mi + 0.1*g for mi, g in zip(m, grad)]
    v = [0.999*vi + 0.001*g*g for vi, g in zip(v, grad)]
    mh = [mi/(1-0.9**t) for mi in m]; vh = [vi/(1-0.999**t) for vi in v]
    theta = [th - 0.01*a/(math.sqrt(b)+1e-8) for th, a, b in zip(theta, mh, vh)]
    return theta, {'m': m, 'v': v, 't': t}
""",
    ),
    "a closure with a name for each array": (
        "right",
        "momentum",
        None,
        """
def make(lr=0.1, beta=0.9):
    v = {}
    def update(key, w, dw):
        v[key] = beta*v.get(key, 0) + dw
        return w - lr*v[key]
    return update
""",
    ),
    "a network that holds its parameters": (
        "right",
        "rmsprop",
        None,
        """
import numpy as np
class Net:
    def __init__(self, input_size, hidden_size, output_size):
        self.params = {}
        self.params['W1'] = 0.01*np.random.randn(input_size, hidden_size); self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = 0.01*np.random.randn(hidden_size, output_size); self.params['b2'] = np.zeros(output_size)
        self.cache = {k: np.zeros_like(v) for k, v in self.params.items()}
    def forward(self, X): return X
    def update_params(self, grads, lr=0.01, decay=0.9):
        for k in self.params:
            self.cache[k] = decay*self.cache[k] + (1-decay)*grads[k]**2
            self.params[k] -= lr*grads[k]/(np.sqrt(self.cache[k])+1e-8)
""",
    ),
    "a count for each array": (
        "wrong",
        "adam",
        None,
        """
import numpy as np
class Adam:
    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lr, self.b1, self.b2, self.eps = lr, beta1, beta2, eps
        self.m, self.v, self.t = {}, {}, 0
    def update(self, name, w, dw):
        if name not in self.m:
            self.m[name] = np.zeros_like(w); self.v[name] = np.zeros_like(w)
        self.t += 1
        self.m[name] = self.b1*self.m[name] + (1-self.b1)*dw
        self.v[name] = self.b2*self.v[name] + (1-self.b2)*dw*dw
        return w - self.lr*(self.m[name]/(1-self.b1**self.t))/(np.sqrt(self.v[name]/(1-self.b2**self.t))+self.eps)
""",
    ),
    "a gradient function for one step": (
        "same",
        "momentum",
        None,
        """
import numpy as np
def nesterov_step(x, v, grad_f, lr=0.01, mu=0.9):
    g = grad_f(x + mu*v)
    v = mu*v - lr*g
    return x + v, v
""",
    ),
    "a base class that goes through the parameters": (
        "same",
        "adam",
        "Adam",
        """
import numpy as np
class Parameter:
    def __init__(self, data):
        self.data = np.asarray(data, float); self.grad = None
class Optimizer:
    def __init__(self, parameters): self.parameters = list(parameters)
    def step(self):
        for p in self.parameters:
            if p.grad is None: continue
            self.update_one(p)
    def update_one(self, p): raise NotImplementedError
class Adam(Optimizer):
    def __init__(self, parameters, alpha=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        super().__init__(parameters)
        self.alpha, self.beta1, self.beta2, self.eps, self.t = alpha, beta1, beta2, eps, 0
        self.ms, self.vs = {}, {}
    def step(self):
        self.t += 1
        super().step()
    def update_one(self, p):
        k = id(p)
        if k not in self.ms: self.ms[k] = np.zeros_like(p.data); self.vs[k] = np.zeros_like(p.data)
        m, v = self.ms[k], self.vs[k]
        m += (1-self.beta1)*(p.grad-m)
        v += (1-self.beta2)*(p.grad*p.grad-v)
        lr = self.alpha*np.sqrt(1-self.beta2**self.t)/(1-self.beta1**self.t)
        p.data -= lr*m/(np.sqrt(v)+self.eps)
""",
    ),
    "globals made for arrays of other shapes": (
        "right",
        "adam",
        None,
        """
import numpy as np
learning_rate = 0.01
beta1, beta2, eps = 0.9, 0.999, 1e-8
W = np.random.randn(3, 2)
m_W = np.zeros_like(W); v_W = np.zeros_like(W)
t = 0
def adam_step(W, dW):
    global m_W, v_W, t
    t += 1
    m_W = beta1*m_W + (1-beta1)*dW
    v_W = beta2*v_W + (1-beta2)*dW**2
    return W - learning_rate*(m_W/(1-beta1**t))/(np.sqrt(v_W/(1-beta2**t))+eps)
""",
    ),
    "new dictionaries, state None at first": (
        "right",
        "ema_momentum",
        None,
        """
def update_parameters(self_params, gradients, velocity=None, *, learning_rate=0.01, beta=0.9):
    if velocity is None:
        velocity = {k: 0 for k in self_params}
    new_params, new_velocity = {}, {}
    for k in self_params:
        new_velocity[k] = beta*velocity[k] + (1-beta)*gradients[k]
        new_params[k] = self_params[k] - learning_rate*new_velocity[k]
    return new_params, new_velocity
""",
    ),
    "a list of parameters in the constructor": (
        "right",
        "lion",
        None,
        """
import numpy as np
class Lion:
    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), wd=0.0):
        self.params, self.lr, self.betas, self.wd = params, lr, betas, wd
        self.exp_avg = [np.zeros_like(p) for p in params]
    def step(self, grads):
        b1, b2 = self.betas
        for i, (p, g) in enumerate(zip(self.params, grads)):
            p *= 1 - self.lr*self.wd
            update = np.sign(b1*self.exp_avg[i] + (1-b1)*g)
            p -= self.lr*update
            self.exp_avg[i] = b2*self.exp_avg[i] + (1-b2)*g
""",
    ),
    "a call with the value, the gradient and the rate": (
        "right",
        "adam",
        None,
        """
import numpy as np
class Adam:
    def __init__(self, beta1=None, beta2=None, epsilon=None):
        self.beta1 = 0.9 if beta1 is None else beta1
        self.beta2 = 0.999 if beta2 is None else beta2
        self.epsilon = 1e-8 if epsilon is None else epsilon
        self.m = None; self.v = None; self.t = 0
    def __call__(self, x, f, gf, lr):
        self.t += 1
        if self.m is None:
            self.m = (1-self.beta1)*gf; self.v = (1-self.beta2)*gf**2
        else:
            self.m = self.beta1*self.m + (1-self.beta1)*gf
            self.v = self.beta2*self.v + (1-self.beta2)*gf**2
        return x - lr*self.m/(1-self.beta1**self.t)/(np.sqrt(self.v/(1-self.beta2**self.t))+self.epsilon)
""",
    ),
    "state in a dictionary for each index": (
        "right",
        "adam",
        "Adam",
        """
import numpy as np
class Tensor:
    def __init__(self, data): self.data = np.array(data, dtype=float); self.grad = np.zeros_like(self.data)
class Adam:
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0):
        self.parameters = parameters
        self.lr = lr; self.betas = betas; self.eps = eps; self.weight_decay = weight_decay
        self.state = {}
        self._step = 0
    def step(self):
        self._step += 1
        for i, p in enumerate(self.parameters):
            if p.grad is None: continue
            g = p.grad
            if self.weight_decay != 0: g = g + self.weight_decay * p.data
            st = self.state.setdefault(i, dict(m=np.zeros_like(p.data), v=np.zeros_like(p.data)))
            st['m'] = self.betas[0]*st['m'] + (1-self.betas[0])*g
            st['v'] = self.betas[1]*st['v'] + (1-self.betas[1])*g*g
            mhat = st['m']/(1-self.betas[0]**self._step); vhat = st['v']/(1-self.betas[1]**self._step)
            p.data = p.data - self.lr*mhat/(np.sqrt(vhat)+self.eps)
    def zero_grad(self):
        for p in self.parameters: p.grad = np.zeros_like(p.data)
""",
    ),
    "a model whose layers are asked by name": (
        "right",
        "rmsprop",
        None,
        """
import numpy as np
class RMSProp:
    def __init__(self, model, lr=0.01, decay=0.9, eps=1e-8):
        self.model = model; self.lr = lr; self.decay = decay; self.eps = eps
        self.cache = {}
    def step(self):
        for i, layer in enumerate(self.model.layers):
            for name in ('W', 'b'):
                p = getattr(layer, name); g = getattr(layer, 'd' + name)
                c = self.cache.get((i, name), np.zeros_like(p))
                c = self.decay*c + (1-self.decay)*g**2
                self.cache[(i, name)] = c
                setattr(layer, name, p - self.lr*g/(np.sqrt(c)+self.eps))
""",
    ),
    "lists of weights and biases apart": (
        "right",
        "momentum",
        None,
        """
def update_mini_batch(weights, biases, nabla_w, nabla_b, velocity_w, velocity_b, eta=0.5, mu=0.9):
    velocity_w = [mu*v + nw for v, nw in zip(velocity_w, nabla_w)]
    velocity_b = [mu*v + nb for v, nb in zip(velocity_b, nabla_b)]
    weights = [w - eta*v for w, v in zip(weights, velocity_w)]
    biases = [b - eta*v for b, v in zip(biases, velocity_b)]
    return weights, biases, velocity_w, velocity_b
""",
    ),
    "Chinese identifiers of a course": (
        "right",
        "gradient_descent",
        None,
        """
def 更新参数(参数, 梯度, 学习率):
    层数 = len(参数) // 2
    for 层 in range(1, 层数 + 1):
        参数['W' + str(层)] = 参数['W' + str(层)] - 学习率 * 梯度['dW' + str(层)]
        参数['b' + str(层)] = 参数['b' + str(层)] - 学习率 * 梯度['db' + str(层)]
    return 参数
""",
    ),
    "a Chinese class": (
        "wrong",
        "adam",
        None,
        """
import numpy as np
class 优化器Adam:
    def __init__(self, 学习率=0.001, 贝塔1=0.9, 贝塔2=0.999, 小量=1e-8):
        self.学习率, self.贝塔1, self.贝塔2, self.小量 = 学习率, 贝塔1, 贝塔2, 小量
        self.一阶矩, self.二阶矩, self.步数 = {}, {}, 0
    def 更新(self, 参数字典, 梯度字典):
        self.步数 += 1
        for 名 in 参数字典:
            g = 梯度字典[名]
            self.一阶矩[名] = self.贝塔1*self.一阶矩.get(名, 0) + (1-self.贝塔1)*g
            self.二阶矩[名] = self.贝塔2*self.二阶矩.get(名, 0) + (1-self.贝塔2)*g**2
            m = self.一阶矩[名]/(1-self.贝塔1**self.步数)
            v = self.二阶矩[名]/(1-self.贝塔1**self.步数)
            参数字典[名] -= self.学习率*m/(np.sqrt(v)+self.小量)
""",
    ),
    "a named tuple with a maker": (
        "right",
        "adam",
        None,
        """
from collections import namedtuple
import numpy as np
AdamState = namedtuple('AdamState', 'm v t')
def adam_init(w):
    return AdamState(np.zeros_like(w), np.zeros_like(w), 0)
def adam_step(w, dw, state, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8):
    t = state.t + 1
    m = b1*state.m + (1-b1)*dw
    v = b2*state.v + (1-b2)*dw*dw
    w = w - lr*(m/(1-b1**t))/(np.sqrt(v/(1-b2**t))+eps)
    return w, AdamState(m, v, t)
""",
    ),
    "pairs of gradients and variables": (
        "same",
        "nesterov",
        None,
        """
import numpy as np
class NAG:
    '''Nesterov in the form of Keras'''
    def __init__(self, lr=0.01, momentum=0.9): self.lr, self.momentum, self.velocity = lr, momentum, {}
    def apply_gradients(self, grads_and_vars):
        for i, (g, v) in enumerate(grads_and_vars):
            vel = self.momentum*self.velocity.get(i, 0) - self.lr*g
            self.velocity[i] = vel
            v += self.momentum*vel - self.lr*g
""",
    ),
    "a loop that stops where steps are short": (
        "right",
        "rmsprop",
        None,
        """
import numpy as np
def optimise(gradient, start, learn_rate, n_iter=50, tolerance=1e-06, decay=0.9):
    vector = start
    s = 0
    for _ in range(n_iter):
        g = np.array(gradient(vector))
        s = decay*s + (1-decay)*g*g
        diff = -learn_rate*g/(np.sqrt(s)+1e-8)
        if np.all(np.abs(diff) <= tolerance):
            break
        vector = vector + diff
    return vector
""",
    ),
    "the counter first, numbers with bias": (
        "right",
        "adam",
        None,
        """
class AdamScalar:
    def __init__(self, eta=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.m_dw, self.v_dw = 0, 0
        self.m_db, self.v_db = 0, 0
        self.beta1 = beta1; self.beta2 = beta2; self.epsilon = epsilon; self.eta = eta
    def update(self, t, w, b, dw, db):
        import numpy as np
        self.m_dw = self.beta1*self.m_dw + (1-self.beta1)*dw
        self.m_db = self.beta1*self.m_db + (1-self.beta1)*db
        self.v_dw = self.beta2*self.v_dw + (1-self.beta2)*(dw**2)
        self.v_db = self.beta2*self.v_db + (1-self.beta2)*(db**2)
        m_dw_corr = self.m_dw/(1-self.beta1**t); m_db_corr = self.m_db/(1-self.beta1**t)
        v_dw_corr = self.v_dw/(1-self.beta2**t); v_db_corr = self.v_db/(1-self.beta2**t)
        w = w - self.eta*(m_dw_corr/(np.sqrt(v_dw_corr)+self.epsilon))
        b = b - self.eta*(m_db_corr/(np.sqrt(v_db_corr)+self.epsilon))
        return w, b
""",
    ),
    "value and gradient of a dictionary": (
        "right",
        "adam",
        None,
        """
import numpy as np
# sklearn style history + callbacks
def adam_optimize(params, loss_and_grad, lr=0.01, beta1=0.9, beta2=0.999, eps=1e-8, num_steps=100, callback=None):
    p = {k: np.array(v, dtype=float) for k, v in params.items()}
    m = {k: np.zeros_like(v) for k, v in p.items()}
    v_ = {k: np.zeros_like(v) for k, v in p.items()}
    losses = []
    for step in range(1, num_steps + 1):
        loss, grads = loss_and_grad(p)
        losses.append(loss)
        for k in p:
            m[k] = beta1*m[k] + (1-beta1)*grads[k]
            v_[k] = beta2*v_[k] + (1-beta2)*grads[k]**2
            p[k] = p[k] - lr*(m[k]/(1-beta1**step))/(np.sqrt(v_[k]/(1-beta2**step))+eps)
        if callback: callback(step, loss)
    return p, losses
""",
    ),
    "everything in one dictionary": (
        "right",
        "momentum",
        None,
        """
# state as attribute of the parameters' own dict
def momentum_step(net, lr=0.01, mu=0.9):
    for name in ('W1', 'b1', 'W2', 'b2'):
        v = net.setdefault('v_' + name, 0 * net[name])
        net['v_' + name] = mu*v + net['d' + name]
        net[name] = net[name] - lr*net['v_' + name]
    return net
""",
    ),
    "gradients in the parameters, divided by the batch": (
        "right",
        "gradient_descent",
        None,
        """
def sgd(params, lr, batch_size):
    for param in params:
        param.data -= lr * param.grad / batch_size
        param.grad = 0
""",
    ),
    "a new dictionary from prefixed gradients": (
        "right",
        "gradient_descent",
        "GradientDescent",
        """
class Optimizer:
    def __init__(self, learning_rate): self.learning_rate = learning_rate
    def minimize(self, params, grads): raise NotImplementedError
class GradientDescent(Optimizer):
    def minimize(self, params, grads):
        return {k: params[k] - self.learning_rate * grads["d" + k] for k in params}
""",
    ),
    "a dictionary of hyperparameters without defaults": (
        "wrong",
        "adam",
        None,
        """
import numpy as np
def Adam(W, dW, m, v, t, hyper):
    lr = hyper['lr']; b1 = hyper['b1']; b2 = hyper['b2']
    m = b1*m + (1-b1)*dW
    v = b2*v + (1-b2)*dW**2
    mhat = m/(1-b1)
    vhat = v/(1-b2)
    W = W - lr*mhat/(np.sqrt(vhat)+1e-8)
    return W, m, v
""",
    ),
    "globals for weight and bias": (
        "right",
        "rmsprop",
        None,
        """
import numpy as np
cache_W1 = cache_b1 = 0
def rmsprop_update(W1, b1, dW1, db1, learning_rate=0.001, decay=0.99):
    global cache_W1, cache_b1
    cache_W1 = decay*cache_W1 + (1-decay)*dW1**2
    cache_b1 = decay*cache_b1 + (1-decay)*db1**2
    W1 -= learning_rate*dW1/(np.sqrt(cache_W1)+1e-8)
    b1 -= learning_rate*db1/(np.sqrt(cache_b1)+1e-8)
    return W1, b1
""",
    ),
    "keywords only, by name in a dictionary": (
        "right",
        "adam",
        None,
        """
import numpy as np
def adam(**kw):
    w, g = kw['w'], kw['g']
    m = 0.9*kw['m'] + 0.1*g
    v = 0.999*kw['v'] + 0.001*g*g
    t = kw['t']
    w = w - kw['lr']*(m/(1-0.9**t))/(np.sqrt(v/(1-0.999**t))+1e-8)
    return {'w': w, 'm': m, 'v': v}
""",
    ),
    "a method chosen by name": (
        "right",
        "adam",
        None,
        """
import numpy as np
class Optimizer:
    def __init__(self, kind='adam', lr=0.001):
        self.kind = kind; self.lr = lr; self.t = 0; self.m = {}; self.v = {}
    def update(self, params, grads):
        return getattr(self, '_' + self.kind)(params, grads)
    def _sgd(self, params, grads):
        for k in params: params[k] = params[k] - self.lr * grads[k]
        return params
    def _adam(self, params, grads, b1=0.9, b2=0.999):
        self.t += 1
        for k in params:
            self.m[k] = b1*self.m.get(k, 0) + (1-b1)*grads[k]
            self.v[k] = b2*self.v.get(k, 0) + (1-b2)*grads[k]**2
            params[k] = params[k] - self.lr*(self.m[k]/(1-b1**self.t))/(np.sqrt(self.v[k]/(1-b2**self.t))+1e-8)
        return params
""",
    ),
    "weights and bias with one state that starts empty": (
        "right",
        "adam",
        None,
        """
import numpy as np
def optimize(weights, bias, grad_w, grad_b, state):
    if not state:
        state.update(m_w=np.zeros_like(weights), v_w=np.zeros_like(weights))
        state.update(m_b=np.zeros_like(bias), v_b=np.zeros_like(bias), t=0)
    state['t'] += 1
    out = []
    for p, g, s in ((weights, grad_w, 'w'), (bias, grad_b, 'b')):
        state['m_'+s] = 0.9*state['m_'+s] + 0.1*g
        state['v_'+s] = 0.999*state['v_'+s] + 0.001*g**2
        out.append(p - 0.001*(state['m_'+s]/(1-0.9**state['t']))/(np.sqrt(state['v_'+s]/(1-0.999**state['t']))+1e-8))
    return out[0], out[1], state
""",
    ),
    "a call with a layer that lists its parameters": (
        "right",
        "gradient_descent",
        None,
        """
import numpy as np
class SGD:
    def __init__(self, lr=0.01): self.lr = lr
    def __call__(self, layer):
        for p, dp in zip(layer.params(), layer.grads()):
            p -= self.lr * dp
""",
    ),
    "a network in the constructor": (
        "right",
        "momentum",
        None,
        """
import numpy as np
class MomentumOptimizer:
    def __init__(self, network, lr=0.01, beta=0.9):
        self.network = network; self.lr = lr; self.beta = beta
        self.vw = [np.zeros(l.weights.shape) for l in network.layers]
        self.vb = [np.zeros(l.bias.shape) for l in network.layers]
    def step(self):
        for i, l in enumerate(self.network.layers):
            self.vw[i] = self.beta*self.vw[i] + l.grad_weights
            self.vb[i] = self.beta*self.vb[i] + l.grad_bias
            l.weights -= self.lr*self.vw[i]
            l.bias -= self.lr*self.vb[i]
""",
    ),
    "a default list that remembers": (
        "right",
        "adam",
        None,
        """
import numpy as np
def adam(theta, dtheta, s=[None, None, 0], alpha=.001, b1=.9, b2=.999):
    if s[0] is None:
        s[0] = np.zeros(theta.shape); s[1] = np.zeros(theta.shape)
    s[2] += 1
    s[0] = b1*s[0] + (1-b1)*dtheta
    s[1] = b2*s[1] + (1-b2)*dtheta*dtheta
    return theta - alpha*(s[0]/(1-b1**s[2]))/(np.sqrt(s[1]/(1-b2**s[2]))+1e-8)
""",
    ),
    "a loop that returns its history": (
        "right",
        "momentum",
        None,
        """
def gradient_descent_momentum(f, df, x0, lr, gamma, epochs):
    x = x0
    v = 0.0
    history = [x0]
    for epoch in range(epochs):
        v = gamma * v + df(x)
        x = x - lr * v
        history.append(x)
    return history
""",
    ),
    "dictionaries by layer number among the globals": (
        "right",
        "rmsprop",
        None,
        """
import numpy as np
S_dW, S_db = {}, {}
def RMSprop(params, grads, epoch_t, beta, lr, layers=2):
    for l in range(1, layers+1):
        if l not in S_dW:
            S_dW[l] = np.zeros_like(grads["dW%d" % l]); S_db[l] = np.zeros_like(grads["db%d" % l])
        S_dW[l] = beta*S_dW[l] + (1-beta)*grads["dW%d" % l]**2
        S_db[l] = beta*S_db[l] + (1-beta)*grads["db%d" % l]**2
        params["W%d" % l] -= lr*grads["dW%d" % l]/(np.sqrt(S_dW[l])+1e-8)
        params["b%d" % l] -= lr*grads["db%d" % l]/(np.sqrt(S_db[l])+1e-8)
""",
    ),
    "two coordinates with gradients of their own": (
        "right",
        "adagrad",
        None,
        """
import numpy as np
def update(x, y, gx, gy, hx, hy, eta=0.1):
    hx += gx*gx
    hy += gy*gy
    x -= eta*gx/(np.sqrt(hx)+1e-7)
    y -= eta*gy/(np.sqrt(hy)+1e-7)
    return x, y, hx, hy
""",
    ),
    "a dictionary in the constructor": (
        "right",
        "adam",
        None,
        """
import numpy as np
class Adam:
    def __init__(self, params, lr=0.001):
        self.lr = lr; self.n = 0
        self.params = params
        self.M = {}; self.V = {}
        for k in params: self.M[k] = np.zeros(params[k].shape); self.V[k] = np.zeros(params[k].shape)
    def step(self, grads):
        self.n += 1
        for k, g in grads.items():
            self.M[k] = .9*self.M[k] + .1*g
            self.V[k] = .999*self.V[k] + .001*g**2
            self.params[k] -= self.lr*(self.M[k]/(1-.9**self.n))/(np.sqrt(self.V[k]/(1-.999**self.n))+1e-8)
""",
    ),
    "a dictionary of dictionaries for two arrays": (
        "right",
        "adam",
        None,
        """
import numpy as np
def update(W, b, dW, db, optimizer):
    optimizer['t'] += 1
    for name, p, g in (('W', W, dW), ('b', b, db)):
        optimizer['m'][name] = 0.9*optimizer['m'][name] + 0.1*g
        optimizer['v'][name] = 0.999*optimizer['v'][name] + 0.001*g*g
        t = optimizer['t']
        p -= 0.01*(optimizer['m'][name]/(1-0.9**t))/(np.sqrt(optimizer['v'][name]/(1-0.999**t))+1e-8)
    return W, b
""",
    ),
    "decay inside the sum": (
        "right",
        "lion",
        None,
        """
import numpy as np
def lion_step(p, g, m, lr=1e-4, b1=0.9, b2=0.99, wd=0.1):
    c = b1*m + (1-b1)*g
    p = p - lr*(np.sign(c) + wd*p)
    m = b2*m + (1-b2)*g
    return p, m
""",
    ),
    "data in the constructor": (
        "right",
        "momentum",
        None,
        """
import numpy as np
class Trainer:
    def __init__(self, x_train, y_train, lr=0.1): self.x, self.y, self.lr = x_train, y_train, lr; self.v = 0
    def gradient(self, w): return self.x.T @ (self.x @ w - self.y)
    def momentum_step(self, w, g, mu=0.9):
        self.v = mu*self.v + g
        return w - self.lr*self.v
""",
    ),
}


@pytest.mark.parametrize("style", STYLES)
def test_styles(style):
    verdict, rule, name, text = STYLES[style]
    source = Source("stranger.py", text)
    space: dict[str, Any] = {"__name__": "stranger"}
    exec(compile(text, "stranger.py", "exec"), space)  # noqa: S102 - the test's own text
    (found,) = find(space, source, name)
    told = examine(adapt(found.update, source=source)).verdict
    assert (told.kind, told.rule) == (verdict, rule), told.note
    assert (
        all(rule == other[0] for other in told.equivalent) or told.mistakes
    )  # no rule is another one when it is right
