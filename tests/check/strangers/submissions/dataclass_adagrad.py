from dataclasses import dataclass, field

import numpy as np


@dataclass
class AdagradState:
    accumulator: np.ndarray


@dataclass
class Adagrad:
    learning_rate: float = 0.05
    initial_accumulator_value: float = 0.1
    epsilon: float = 1e-7
    states: dict = field(default_factory=dict)

    def apply_gradients(self, grads_and_vars):
        for grad, var in grads_and_vars:
            state = self.states.get(id(var))
            if state is None:
                state = AdagradState(np.full_like(var, self.initial_accumulator_value))
                self.states[id(var)] = state
            state.accumulator += np.square(grad)
            var -= self.learning_rate * grad / np.sqrt(state.accumulator + self.epsilon)
