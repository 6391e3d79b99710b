"""What is to be learned, and how the rows are divided, before the table is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from thalweg.descent.models import Linear, Model, Network

if TYPE_CHECKING:
    from thalweg.formulas.formula import Activation, Loss


@final
@dataclass(frozen=True)
class Design:
    """What is to be learned, and how the rows are divided, before the table is known.

    Attributes
    ----------
    hidden : tuple of int
        Sizes of the hidden layers; none for a linear model.
    activations : tuple of Activation
        One for each hidden layer.
    dropout : tuple of float
        One for each hidden layer, or none.
    loss : Loss or None
        None for the one that the task suggests: squared error, logistic loss, softmax.
    several : bool
        The loss is scikit-learn's ``log_loss``, which is softmax for more than two classes.
    task : {"auto", "regression", "classification"}
    validation, test : float in (0, 1)
        Shares of the rows; None for no validation part, which stands aside.
    seed : int
        Of the parts.
    dtype : {"float64", "float32"}
    scale_target : bool
        Standardise the target of a regression by what the training part holds.
    standardize : bool
        Standardise the columns of an array by what the training part holds. Columns of a table always are.
    fit_intercept : bool
        Of a linear model.
    """

    hidden: tuple[int, ...] = ()
    activations: tuple[Activation, ...] = ()
    dropout: tuple[float, ...] = ()
    loss: Loss | None = None
    several: bool = False
    task: str = "auto"
    validation: float | None = 0.2
    test: float = 0.2
    seed: int = 0
    dtype: str = "float64"
    scale_target: bool = True
    standardize: bool = True
    fit_intercept: bool = True

    def model(self, features: int, outputs: int) -> Model:
        """Return the model."""
        if not self.hidden:
            return Linear(features, outputs, self.fit_intercept)
        return Network((features, *self.hidden, outputs), self.activations, self.dropout)

    def scales_target(self, loss: Loss) -> bool:
        """Whether a target of numbers is standardised for this loss."""
        return self.scale_target and loss.target == "real" and loss.inverse_link == "identity"

    def loss_for(self, classes: int) -> Loss:
        """Return the loss that was asked for, or the one that the task suggests."""
        from thalweg.formulas.losses import log, softmax, squared

        if self.loss is not None:
            return softmax if self.several and classes > 2 else self.loss
        return squared if not classes else log if classes == 2 else softmax
