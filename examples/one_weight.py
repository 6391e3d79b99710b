"""One weight, y = w x: all rows a step, one row a step, two rows a step.

The three rows contradict each other: no w fits them all. Gradient descent walks to the least-squares weight and stays.
One row a step comes near it sooner, because it makes three steps while gradient descent makes one, and then goes round
in a circle, each row pulling to its own side. Two rows a step make two: the third row has a step to itself, counts like
the other two together, and holds the weight below the least-squares one.
"""

from __future__ import annotations

import drawing
import numpy as np

import thalweg

X = np.array([[1.0], [2.0], [3.0]])
Y = np.array([4.0, 5.0, 6.0])
RATE, EPOCHS, START = 0.01, 40, 1.0
BATCHES = {"GD, all rows a step": 3, "SGD, one row a step": 1, "mini-batch, two rows a step": 2}


@thalweg.loss
def square(y, z):
    """Squared error without the usual half: its derivative keeps the factor 2."""
    r = z - y
    return r * r, 2 * r


def main() -> None:
    """Descend, print, draw."""
    folder, kind = drawing.output_folder(__doc__)
    model, rows = thalweg.Linear(1, fit_intercept=False), thalweg.Rows.of(X, Y)
    mean_loss = thalweg.Objective(model, rows, square)
    best = float(X[:, 0] @ Y / (X[:, 0] @ X[:, 0]))
    print(f"Least squares: w = {best:.6f}, mean of squares {mean_loss(np.array([best])):.6f}\n")
    print(f"{'descent':30}{'w, epoch 1':>12}{'w, epoch 10':>13}{f'w, epoch {EPOCHS}':>13}{'mean loss':>12}")

    figure, ((walk, bowl),) = drawing.new_figure(2)
    w = np.linspace(0.9, 3.1, 200)
    bowl.plot(w, [mean_loss(np.array([value])) for value in w], color="0.6", linewidth=1)
    for k, (name, size) in enumerate(BATCHES.items()):
        rule = thalweg.gradient_descent(learning_rate=RATE)
        # One epoch in as many calls as it has steps shows the weight after every step.
        pieces = [np.arange(3)[first : first + size] for first in range(0, 3, size)]
        settings = thalweg.Settings(rule, square, batch_size=size, max_iter=EPOCHS * len(pieces))
        run = thalweg.Run(
            model, rows, settings, theta=np.array([START]), order=lambda call, pieces=pieces: pieces[call % len(pieces)]
        )
        weights = [START]
        run.descend(callbacks=[lambda run, weights=weights: weights.append(float(run.theta[0]))])
        after = weights[:: len(pieces)]
        loss = mean_loss(run.theta)
        print(f"{name:30}{after[1]:12.6f}{after[10]:13.6f}{after[-1]:13.6f}{loss:12.6f}")
        epochs = np.arange(len(weights)) / len(pieces)
        walk.plot(epochs, weights, label=name, **drawing.style(k))
        firsts = np.array(weights[: 6 * len(pieces) + 1])
        heights = np.array([mean_loss(np.array([value])) for value in firsts]) + 0.6 * k  # apart, to be told apart
        bowl.plot(firsts, heights, marker=drawing.MARKERS[k], markersize=4, label=name, **drawing.style(k))
    walk.axhline(best, color="black", linewidth=0.7)
    walk.text(0, best + 0.02, "least squares", fontsize=9)
    walk.set_ylim(top=2.45)
    walk.set(title="The weight", xlabel="epoch", ylabel="w")
    walk.legend(fontsize=9, frameon=False, loc="center right")
    bowl.set(title="The first 6 epochs (curves lifted to be told apart)", xlabel="w", ylabel="mean of squares")
    drawing.save(figure, folder, "one_weight", kind)


if __name__ == "__main__":
    main()
