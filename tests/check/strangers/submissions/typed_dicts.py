from typing import TypedDict

import numpy as np


class AdamSlots(TypedDict):
    exp_avg: np.ndarray
    exp_inf: np.ndarray
    step: int


def new_slots(w: np.ndarray) -> AdamSlots:
    return {"exp_avg": np.zeros_like(w), "exp_inf": np.zeros_like(w), "step": 0}


def adamax(w: np.ndarray, grad: np.ndarray, slots: AdamSlots, lr: float = 2e-3, beta1: float = 0.9,
           beta2: float = 0.999, eps: float = 1e-8) -> np.ndarray:
    slots["step"] += 1
    slots["exp_avg"] = beta1 * slots["exp_avg"] + (1 - beta1) * grad
    slots["exp_inf"] = np.maximum(beta2 * slots["exp_inf"], np.abs(grad) + eps)
    return w - lr / (1 - beta1 ** slots["step"]) * slots["exp_avg"] / slots["exp_inf"]
