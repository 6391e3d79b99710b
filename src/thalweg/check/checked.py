"""What came of a file: the answer of its process, with the verdicts read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

from thalweg.check.child.messages import Answer, Question
from thalweg.check.verdict import Verdict
from thalweg.errors import shown

_STATUS = {"right": 0, "same": 0, "wrong": 1, "unknown": 1, "cannot_run": 2}
_WORST = ("wrong", "unknown", "cannot_run", "same", "right")


@final
@dataclass(frozen=True)
class Told:
    """One piece of code.

    Parameters
    ----------
    name : str
    verdict : Verdict
    mends : tuple of mapping
        Each with ``code``, ``where``, ``found`` and ``right``.
    steps : int
        Of the tape.
    data : mapping
        All of the diagnosis, as plain data.
    """

    name: str
    verdict: Verdict
    mends: tuple[Mapping[str, Any], ...]
    steps: int
    data: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data without the paths."""
        verdict = self.verdict.as_dict()
        return {"name": self.name, "verdict": verdict.pop("kind"), **verdict, "mends": list(self.mends)}


@final
@dataclass(frozen=True)
class Checked:
    """One file.

    Parameters
    ----------
    file : str
        As it is shown.
    told : tuple of Told
        The pieces of code in it.
    answer : Answer
    """

    file: str
    told: tuple[Told, ...]
    answer: Answer

    @staticmethod
    def of(question: Question, answer: Answer, folder: Path | None) -> Checked:
        """Read an answer."""
        path = Path(question.path)
        name = str(path.relative_to(folder)) if folder is not None else path.name
        told = tuple(
            Told(
                shown(one["name"], 60),
                Verdict.from_dict(one["verdict"]),
                tuple(one["mends"]),
                len(one["tape"]["rates"]),
                one,
            )
            for one in answer.diagnoses
        )
        return Checked(shown(name, 120), told, answer)

    @property
    def verdict(self) -> str:
        """The worst of its verdicts."""
        kinds = {one.verdict.kind for one in self.told} | ({"cannot_run"} if self.answer.stop else set())
        return next(kind for kind in _WORST if kind in kinds)

    @property
    def status(self) -> int:
        """The exit status that it asks for."""
        return _STATUS[self.verdict]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, the same for the same file."""
        said = asdict(self.answer)
        return {
            "file": self.file,
            "verdict": self.verdict,
            "diagnoses": [one.as_dict() for one in self.told],
            **{name: said[name] for name in ("stop", "reason", "where", "notes", "printed")},
        }
