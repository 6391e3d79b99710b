from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass
class RMSProp:
    """RMSProp as on slide 29 of Hinton's lecture 6e."""

    learning_rate: float = 1e-3
    decay: float = 0.9
    eps: float = 1e-8
    _avg_sq: Dict[str, Array] = field(default_factory=dict, repr=False)

    def step(self, params: Dict[str, Array], grads: Dict[str, Array]) -> None:
        for name, grad in grads.items():
            avg = self._avg_sq.get(name)
            if avg is None:
                avg = np.zeros_like(grad)
            avg = self.decay * avg + (1.0 - self.decay) * grad**2
            self._avg_sq[name] = avg
            params[name] -= self.learning_rate * grad / (np.sqrt(avg) + self.eps)
