from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


class AMSGrad:
    """AMSGrad of Reddi et al. with bias correction of both moments (PyTorch's form)."""

    def __init__(self, parameters: Sequence[FloatArray], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8) -> None:
        self._parameters = parameters
        self._lr = lr
        self._betas = betas
        self._eps = eps
        self._m: list[FloatArray] = [np.zeros_like(p) for p in parameters]
        self._v: list[FloatArray] = [np.zeros_like(p) for p in parameters]
        self._v_max: list[FloatArray] = [np.zeros_like(p) for p in parameters]
        self._t: int = 0

    def step(self, gradients: Sequence[FloatArray]) -> None:
        self._t += 1
        b1, b2 = self._betas
        for p, g, m, v, vm in zip(self._parameters, gradients, self._m, self._v, self._v_max):
            m += (1.0 - b1) * (g - m)
            v += (1.0 - b2) * (g * g - v)
            np.maximum(vm, v, out=vm)
            denom = np.sqrt(vm) / np.sqrt(1.0 - b2**self._t) + self._eps
            p -= self._lr / (1.0 - b1**self._t) * m / denom
