"""What the scores of a model stand for: numbers in the target's own units, or classes; and the way back from both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from thalweg.descent.scores import shares
from thalweg.errors import DataError, SettingError
from thalweg.formulas.kinds.loss import INVERSE_LINKS, Loss
from thalweg.formulas.losses import modified_huber

Array = NDArray[Any]
Task = Literal["regression", "classification"]

LINKS = (*INVERSE_LINKS, "margin")


@final
@dataclass(frozen=True)
class Outputs:
    """The meaning of one row of scores.

    Parameters
    ----------
    link : {"identity", "exp", "logistic", "softmax", "margin"}
        From a score to the prediction: the loss's inverse link. ``"margin"`` is the modified Huber loss, by which the
        probability is ``(score + 1) / 2`` between 0 and 1.
    classes : tuple of str or float
        The labels in order; empty for regression.
    mean, scale : float
        A prediction of regression is ``mean + scale * linked score``: what the target was standardised with.
    one_hot : bool
        Two classes have two columns of scores instead of one (softmax).
    """

    link: str
    classes: tuple[Any, ...] = ()
    mean: float = 0.0
    scale: float = 1.0
    one_hot: bool = False

    def __post_init__(self) -> None:
        if self.link not in LINKS:
            raise SettingError("SETTING-UNKNOWN", "link", f"unknown {self.link!r}; allowed: {', '.join(LINKS)}")
        if len(self.classes) == 1:
            raise DataError("DATA-ONE-CLASS", "y", f"{self.classes[0]!r} is the only class", "Two are needed.")

    @classmethod
    def regression(cls, loss: Loss, mean: float = 0.0, scale: float = 1.0) -> Outputs:
        """Return one score per row that stands for a number; the target of the loss is ``(y - mean) / scale``.

        Raises
        ------
        SettingError
            A loss for classes.
        """
        if loss.target not in {"real", "count"}:
            what = f"{loss.name} is a loss for classes; this target is a number"
            raise SettingError(
                "SETTING-LOSS", "loss", what, "For numbers there are: squared, absolute, huber, poisson ..."
            )
        return cls(loss.inverse_link, mean=mean, scale=scale)

    @classmethod
    def classification(cls, loss: Loss, classes: Sequence[Any]) -> Outputs:
        """Return the scores of classes: one for two classes, one per class for more, or for two under softmax.

        Raises
        ------
        SettingError
            A loss for numbers.
        """
        if loss.target not in {"binary", "classes"}:
            what = f"{loss.name} is a loss for numbers; this target has classes"
            raise SettingError(
                "SETTING-LOSS", "loss", what, "For classes there are: log, softmax, hinge, squared_hinge ..."
            )
        link = "margin" if loss.fingerprint == modified_huber.fingerprint else loss.inverse_link
        return cls(link, tuple(classes), one_hot=loss.target == "classes")

    @property
    def task(self) -> Task:
        """``"classification"`` where there are classes."""
        return "classification" if self.classes else "regression"

    @property
    def count(self) -> int:
        """Scores per row."""
        return len(self.classes) if len(self.classes) > 2 or self.one_hot else 1

    @property
    def has_probabilities(self) -> bool:
        """Whether the scores say how likely each class is."""
        return bool(self.classes) and self.link in {"logistic", "softmax", "margin"}

    def encode(self, y: Array) -> NDArray[np.float64]:
        """Return the target as the loss takes it: standardised; or 0 and 1, in one column per score.

        Parameters
        ----------
        y : ndarray (n,)
            Numbers or labels.

        Returns
        -------
        ndarray (n, count), float64

        Raises
        ------
        DataError
            DATA-CLASS: a label that is not one of the classes.
        """
        if not self.classes:
            return ((np.asarray(y, dtype=np.float64) - self.mean) / self.scale).reshape(-1, 1)
        position = {label: k for k, label in enumerate(self.classes)}
        unknown = next((label for label in y if label not in position), None)
        if unknown is not None:
            listed = ", ".join(str(label) for label in self.classes[:8])
            raise DataError(
                "DATA-CLASS", "y", f"the label {str(unknown)[:40]!r} is not one of the classes {listed:.120}"
            )
        codes = np.array([position[label] for label in y], dtype=np.intp)
        if self.count == 1:
            return codes.astype(np.float64).reshape(-1, 1)
        return np.eye(self.count)[codes]

    def predict(self, scores: Array) -> Array:
        """Return what the scores say, (n,): numbers in the target's units, or labels.

        Parameters
        ----------
        scores : ndarray (n, count)
            Before the inverse link.
        """
        if not self.classes:
            linked = np.exp(scores[:, 0], dtype=np.float64) if self.link == "exp" else scores[:, 0].astype(np.float64)
            return np.asarray(self.mean + self.scale * linked)
        chosen = (scores[:, 0] > 0).astype(np.intp) if self.count == 1 else scores.argmax(axis=1)
        labels = np.array(self.classes, dtype=object if isinstance(self.classes[0], str) else np.float64)
        return np.asarray(labels[chosen])

    def probabilities(self, scores: Array) -> NDArray[np.float64]:
        """Return the probability of each class, (n, classes); rows sum to 1.

        One score per class, but for softmax, is one question per class: the answers are divided by their sum.

        Raises
        ------
        SettingError
            A loss whose scores are no probabilities, such as hinge.
        """
        if not self.has_probabilities:
            raise SettingError(
                "SETTING-LOSS", "loss", "its scores are no probabilities", "Train with the loss log or softmax."
            )
        return shares(self.link, np.asarray(scores, dtype=np.float64))


def mean_loss(loss: Loss, targets: Array, scores: Array) -> float:
    """Return the mean over rows of the loss, summed over the outputs of a row; penalties apart.

    Parameters
    ----------
    loss : Loss
    targets, scores : ndarray (n, outputs)
        As from :meth:`Outputs.encode`, and before the inverse link.

    Examples
    --------
    >>> from thalweg.formulas.losses import squared
    >>> mean_loss(squared, np.array([[1.0], [2.0]]), np.array([[1.0], [4.0]]))
    1.0
    """
    with np.errstate(all="ignore"):
        values = np.asarray(loss.value(targets.astype(np.float64, copy=False), scores.astype(np.float64, copy=False)))
        return float(values.sum() / len(scores))
