"""A round of the trainer: which questions are asked, in which order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Literal

from thalweg.check.quiz.backpropagation import PLANTS, of_backpropagation
from thalweg.check.quiz.optimizers import askable, of_optimizer, rules_of
from thalweg.check.quiz.question import Question

About = Literal["optimizers", "backpropagation", "both"]


def questions(seed: int, *, level: int = 1, rule: str | None = None, about: About = "both") -> Iterator[Question]:
    """Yield questions, none twice, until there are no more.

    Parameters
    ----------
    seed : int
        The same seed asks the same questions.
    level : {1, 2, 3}
        1: the best-known rules, written as in the papers. 2: more of them, and in the ways that students write them.
        3: all that the catalogue has.
    rule : str, optional
        Ask about this rule of the textbook alone.
    about : {"optimizers", "backpropagation", "both"}
        ``both`` asks about a network each third time.

    Examples
    --------
    >>> first = next(questions(7, rule="adam"))
    >>> first.kind, first.subject, len(first.choices)
    ('optimizer', 'adam', 4)
    """
    rng = random.Random(seed)  # noqa: S311 - no secret
    rules = [rule] if rule is not None else list(rules_of(level))
    waiting = {one: list(askable(one)) for one in rules} if about != "backpropagation" else {}
    for codes in waiting.values():
        rng.shuffle(codes)
    plants = [plant for plant in PLANTS if plant.level <= level] if about != "optimizers" and rule is None else []
    rng.shuffle(plants)
    asked = 0
    while plants or any(waiting.values()):
        network = plants and (asked % 3 == 2 or not any(waiting.values()))
        if network:
            made = of_backpropagation(rng, plants.pop())
        else:
            chosen = rng.choice([one for one, codes in waiting.items() if codes])
            made = of_optimizer(rng, chosen, waiting[chosen].pop(), level)
        if made is not None:
            asked += 1
            yield made
