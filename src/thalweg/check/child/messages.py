"""What the process that watches and the one that examines say to each other: one question, one answer, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, final

SECONDS = 20.0
MEMORY = 4 << 30


@final
@dataclass(frozen=True)
class Limits:
    """What one file may take.

    Parameters
    ----------
    seconds : float
        Of processor time, while a line of the file is running.
    memory : int
        Bytes of address space.
    """

    seconds: float = SECONDS
    memory: int = MEMORY

    @property
    def waiting(self) -> float:
        """Seconds on the clock while a line of the file is running: it may also sleep."""
        return 3 * self.seconds

    @property
    def examination(self) -> float:
        """Seconds of processor time for all, our own work included."""
        return self.seconds + 120

    @property
    def patience(self) -> float:
        """Seconds on the clock without a sign of life after which the process is ended from outside."""
        return 3 * self.seconds + 90


@final
@dataclass(frozen=True)
class Question:
    """What is to be examined.

    Parameters
    ----------
    path : str
        The file.
    name : str or None
        What in it; all that looks like an update rule when None.
    rule : str or None
        The rule it is meant to be.
    learning_rate_parameter : str or None
        Which parameter or attribute is the learning rate.
    numbers : mapping
        Hyperparameters by the names of our rules.
    task : str
        What kind of examination: ``"optimizer"`` or ``"gradient"``.
    function, gradient_function, at : str or None
        Of gradients: the cost, its gradient, the parameters, where names do not tell.
    """

    path: str
    name: str | None = None
    rule: str | None = None
    learning_rate_parameter: str | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    task: str = "optimizer"
    function: str | None = None
    gradient_function: str | None = None
    at: str | None = None


@final
@dataclass(frozen=True)
class Answer:
    """What came of it.

    Parameters
    ----------
    diagnoses : tuple of mapping
        As plain data, one for each piece of code.
    reason : str
        Why nothing could be examined; empty where something was.
    where : str
        Place of the reason: file and line, or cell and line.
    stop : str
        What stopped it: ``"file"`` (it is no Python), ``"code"`` (it fails, or holds nothing to examine), ``"time"``,
        ``"memory"``, ``"crash"``, ``"ask"`` (which of several?); empty where nothing did.
    notes : tuple of str
        What else has to be said of the file, such as a module that is not there.
    printed : str
        The beginning of what it printed.
    seconds : float
        Of processor time that it took.
    """

    diagnoses: tuple[Mapping[str, Any], ...] = ()
    reason: str = ""
    where: str = ""
    stop: str = ""
    notes: tuple[str, ...] = ()
    printed: str = ""
    seconds: float = 0.0


def framed(token: str, said: Answer | Mapping[str, Any]) -> bytes:
    """Write an answer, or a diagnosis before it, so that nothing else is taken for it: behind a token.

    Only the two processes know the token.
    """
    plain = {"answer": asdict(said)} if isinstance(said, Answer) else {"diagnosis": said}
    return f"\n{token} {json.dumps(plain)}\n".encode()


def unframed(token: str, data: bytes) -> tuple[tuple[Mapping[str, Any], ...], Answer | None]:
    """Return the diagnoses in what a process wrote, and its answer; None where it has not come to one.

    Examples
    --------
    >>> said = b"printed" + framed("8f3a", {"name": "adam"}) + framed("8f3a", Answer(reason="crashed", stop="crash"))
    >>> diagnoses, answer = unframed("8f3a", said)
    >>> diagnoses, answer.reason
    (({'name': 'adam'},), 'crashed')
    >>> unframed("0000", said)
    ((), None)
    """
    mark = f"{token} ".encode()
    whole = [line[len(mark) :] for line in data.split(b"\n")[:-1] if line.startswith(mark)]
    diagnoses: list[Mapping[str, Any]] = []
    for line in whole:
        plain = json.loads(line)
        if "answer" in plain:
            parts = plain["answer"]
            return tuple(diagnoses), Answer(**{**parts, "diagnoses": tuple(diagnoses), "notes": tuple(parts["notes"])})
        diagnoses.append(plain["diagnosis"])
    return tuple(diagnoses), None
