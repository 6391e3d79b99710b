"""A ReLU net of three layers on two moons: mini-batches under gradient descent, momentum and Adam.

First the gradient is checked against central differences. Then one sees that, at the same small rate, gradient descent
and momentum are still drawing a nearly straight line when Adam follows both moons. Momentum as an average of gradients
brings nothing at this rate: it smooths the steps, it does not lengthen them.
"""

from __future__ import annotations

import drawing
import numpy as np

import thalweg
from thalweg.exchange import datasets

RATE, EPOCHS = 0.0007, 10_000
RULES = {
    "gradient descent": thalweg.gradient_descent(learning_rate=RATE),
    "momentum (average)": thalweg.ema_momentum(learning_rate=RATE, momentum=0.9),
    "Adam": thalweg.adam(learning_rate=RATE),
}


def gradient_error(X, y) -> float:
    """Return the relative distance between the net's gradient and central differences, at a random point."""
    net = thalweg.Network((2, 5, 2, 1), (thalweg.activations.relu, thalweg.activations.relu))
    objective = thalweg.Objective(net, thalweg.Rows.of(X, y), thalweg.losses.log)
    theta = np.random.default_rng(1).normal(size=net.size)
    steps = 1e-6 * np.eye(net.size)
    numeric = np.array([(objective(theta + step) - objective(theta - step)) / 2e-6 for step in steps])
    exact = objective.gradient(theta)
    return float(np.linalg.norm(exact - numeric) / (np.linalg.norm(exact) + np.linalg.norm(numeric)))


def main() -> None:
    """Check, fit, print, draw."""
    folder, kind = drawing.output_folder(__doc__)
    table, y = datasets.load("moons").split_target()
    X = np.column_stack(table.columns)
    print(f"Gradient check: the relative difference to central differences is {gradient_error(X, y):.1e}\n")
    print(f"{'rule':22}{'loss, epoch 1000':>18}{f'loss, epoch {EPOCHS}':>20}{'accuracy':>11}")

    figure, panels = drawing.new_figure(2, 2)
    curves, *planes = panels.flat
    for k, ((name, rule), plane) in enumerate(zip(RULES.items(), planes, strict=True)):
        model = thalweg.MLPClassifier(
            (5, 2), activation="relu", optimizer=rule, batch_size=64, max_iter=EPOCHS, tol=None, random_state=5
        ).fit(X, y)
        losses, accuracy = model.loss_curve_, model.score(X, y)
        print(f"{name:22}{losses[999]:18.4f}{losses[-1]:20.4f}{accuracy:11.1%}")
        curves.plot(losses, label=name, **drawing.style(k))
        drawing.boundary(plane, model.predict, X, y)
        plane.set_title(f"{name}: {accuracy:.1%} right")
    planes[0].legend(fontsize=9, frameon=False, loc="lower left")
    curves.set(title=f"Loss at the rate {RATE}, mini-batches of 64", xlabel="epoch", ylabel="cross-entropy")
    curves.set_ylim(bottom=0)
    curves.legend(fontsize=9, frameon=False, loc="upper right")
    drawing.save(figure, folder, "moons", kind)


if __name__ == "__main__":
    main()
