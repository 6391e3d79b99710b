"""Updates that stand inside a training loop or beside a model, lifted out of it line by line.

Most people write no function ``step(w, g)``: the update stands in the loop, in ``fit(X, y)`` or in a method that is
given the gradients of the model's own arrays. What the update reads says which names are gradients, memory and numbers;
its lines become a function under the same line numbers, and nothing of the data is needed to play it.
"""

from thalweg.check.subjects.inline.function_text import FUNCTION
from thalweg.check.subjects.inline.lifting import Lifted, lifted
from thalweg.check.subjects.inline.playing import loaded_inside, subject_of

__all__ = ["FUNCTION", "Lifted", "lifted", "loaded_inside", "subject_of"]
