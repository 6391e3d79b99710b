"""A descent written out in plain NumPy, from the formulas alone: what every native loop has to follow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.models import Linear, Network
from thalweg.descent.settings import Settings
from thalweg.engine.streams import dropout_mask

Array = NDArray[Any]


@dataclass
class Plain:
    """One run: where it is, and the loss of every update so far."""

    model: Linear | Network
    X: Array
    y: Array
    settings: Settings
    theta: Array
    weights: Array | None = None
    rates: Array | None = None
    mask_seed: int = 0

    def __post_init__(self) -> None:
        self.y = self.y.reshape(len(self.X), -1)
        self.theta = self.theta.copy()
        self.state = self.settings.optimizer.init(self.theta)
        self.t = 0
        self.losses: list[float] = []
        if self.weights is not None:
            self.weights = self.weights / self.weights.mean()

    def descend(self, orders: Iterable[Array]) -> Plain:
        """Visit the rows in these orders, one per epoch."""
        for epoch, order in enumerate(orders):
            size = self.settings.batch_size or len(order)
            batches = [order[first : first + size] for first in range(0, len(order), size)]
            for k, batch in enumerate(batches):
                schedule = self.settings.schedule
                factor = 1.0
                if schedule is not None:
                    factor = float(schedule.over(self.settings.max_iter).factor(epoch + k / len(batches)))
                self.step(batch, factor)
        return self

    # -- the objective

    def scores_and_caches(self, X: Array) -> tuple[Array, list[Any]]:
        if isinstance(self.model, Linear):
            weights = self.theta[: self.model.n_features * self.model.columns]
            scores = X @ weights.reshape(self.model.n_features, -1)
            return scores + self.theta[weights.size :] if self.model.fit_intercept else scores, []
        caches, units = [], X
        for k, (w, b) in enumerate(zip(self.model.coefs(self.theta), self.model.biases(self.theta), strict=True)):
            inputs = units @ w + b
            caches.append((units, inputs))
            if k == len(self.model.hidden_activations):
                return inputs, caches
            units = self.model.hidden_activations[k].value(inputs) * self.mask(k, inputs.shape)
        raise AssertionError

    def mask(self, layer: int, shape: tuple[int, int]) -> Array | float:
        """Mask of a hidden layer at this update, over the share kept."""
        dropped = self.model.dropout[layer] if isinstance(self.model, Network) and self.model.dropout else 0.0
        if not dropped:
            return 1.0
        return dropout_mask(self.mask_seed, self.t + 1, layer, shape, 1 - dropped) / (1 - dropped)

    def loss_and_gradient(self, batch: Array) -> tuple[float, Array]:
        """Mean loss of a batch, without penalty, and its gradient."""
        X, y = self.X[batch], self.y[batch]
        w = np.ones(len(batch)) if self.weights is None else self.weights[batch]
        scores, caches = self.scores_and_caches(X)
        value, slopes = self.settings.loss.value_and_derivative(y, scores)
        per_row = value if value.ndim == 1 else value.sum(axis=1)
        deltas = slopes * w[:, None] / len(batch)
        mean = float((w * per_row).sum() / len(batch))
        if isinstance(self.model, Linear):
            bias = deltas.sum(axis=0) if self.model.fit_intercept else np.empty(0)
            return mean, np.concatenate([(X.T @ deltas).ravel(), bias])
        weights, biases = [], []
        for layer in range(len(caches) - 1, -1, -1):
            below, _ = caches[layer]
            weights.insert(0, below.T @ deltas)
            biases.insert(0, deltas.sum(axis=0))
            if layer:
                inputs = caches[layer - 1][1]
                deltas = deltas @ self.model.coefs(self.theta)[layer].T * self.mask(layer - 1, inputs.shape)
                deltas = deltas * self.model.hidden_activations[layer - 1].derivative(inputs)
        return mean, np.concatenate([a.ravel() for a in (*weights, *biases)])

    # -- one update

    def step(self, batch: Array, factor: float) -> None:
        settings, rule = self.settings, self.settings.optimizer
        value, g = self.loss_and_gradient(batch)
        if settings.clip_value is not None:
            g = np.clip(g, -settings.clip_value, settings.clip_value)
        if settings.clip_norm is not None:
            g = g * min(1.0, settings.clip_norm / np.linalg.norm(g))
        penalties = settings.layer_penalties(len(self.model.weights))
        pieces = [(slice(*piece), p) for piece, p in zip(self.model.weights, penalties, strict=True) if p is not None]
        proximal = bool(pieces) and pieces[0][1].has_proximal
        plain = rule.name == "gradient_descent"
        orthant = {}
        for piece, p in pieces:
            w, slope = self.theta[piece], g[piece].copy()
            value += float(p.value(w).sum())
            if not proximal:
                g[piece] += p.derivative(w)
            elif not plain:
                beyond = p.proximal_step(slope, 1.0)
                g[piece] = np.where(w == 0, beyond, slope + p.derivative(w))
                orthant[piece.start] = np.where(w == 0, -np.sign(beyond), np.sign(w))
        self.losses.append(value)
        self.t += 1
        self.theta, self.state = self.update(g, factor)
        for piece, p in pieces:
            if proximal and plain:
                self.theta[piece] = p.proximal_step(self.theta[piece], rule.learning_rate * factor)
            elif proximal:
                self.theta[piece] = np.where(self.theta[piece] * orthant[piece.start] > 0, self.theta[piece], 0.0)

    def update(self, g: Array, factor: float) -> tuple[Array, Array]:
        """Weights with the rule's own numbers, intercepts and biases without its decay."""
        rule = self.settings.optimizer
        theta, state = rule.step(self.theta, g, self.state, float(self.t), factor)
        if rule.hyperparameters.get("weight_decay"):
            exempt, memory = rule(weight_decay=0.0).step(self.theta, g, self.state, float(self.t), factor)
            for start, stop in self.model.intercepts:
                theta[start:stop], state[:, start:stop] = exempt[start:stop], memory[:, start:stop]
        return theta, state
