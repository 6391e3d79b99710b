"""What came of a file: the answer of its process, with the verdicts read back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar, final

from thalweg.check.child.messages import Answer, Question
from thalweg.check.verdict import Verdict
from thalweg.errors import shown


class Piece(ABC):
    """One piece of code that was examined."""

    name: str

    @property
    @abstractmethod
    def kind(self) -> str:
        """The verdict in a word."""

    @property
    @abstractmethod
    def mistakes(self) -> Mapping[str, str]:
        """Titles of what is wrong with it, by code."""

    @abstractmethod
    def as_dict(self) -> dict[str, Any]:
        """Return plain data without the numbers that pictures are drawn of."""


Pieces = TypeVar("Pieces", bound=Piece)


@dataclass(frozen=True)
class CheckedFile(ABC, Generic[Pieces]):
    """One file.

    Parameters
    ----------
    file : str
        As it is shown.
    told : tuple of Piece
        The pieces of code in it.
    answer : Answer

    Attributes
    ----------
    statuses : mapping of int
        The exit status of each verdict, the worst verdict first.
    key : str
        Under which the pieces stand in the data.
    """

    file: str
    told: tuple[Pieces, ...]
    answer: Answer

    statuses: ClassVar[Mapping[str, int]]
    key: ClassVar[str]

    @classmethod
    def of(cls, question: Question, answer: Answer, folder: Path | None) -> Self:
        """Read an answer."""
        path = Path(question.path)
        name = str(path.relative_to(folder)) if folder is not None else path.name
        return cls(shown(name, 120), tuple(cls.piece(one) for one in answer.diagnoses), answer)

    @staticmethod
    @abstractmethod
    def piece(data: Mapping[str, Any]) -> Pieces:
        """Read a diagnosis."""

    @property
    def verdict(self) -> str:
        """The worst of its verdicts."""
        kinds = {one.kind for one in self.told} | ({"cannot_run"} if self.answer.stop else set())
        return next(kind for kind in self.statuses if kind in kinds)

    @property
    def status(self) -> int:
        """The exit status that it asks for."""
        return self.statuses[self.verdict]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, the same for the same file."""
        said = asdict(self.answer)
        return {
            "file": self.file,
            "verdict": self.verdict,
            self.key: [one.as_dict() for one in self.told],
            **{name: said[name] for name in ("stop", "reason", "where", "notes", "printed")},
        }


def worst(checked: Iterable[CheckedFile[Any]]) -> int:
    """Return the exit status of many files: 1 before 2 before 0."""
    return max((one.status for one in checked), key=(0, 2, 1).index)


def counts(checked: Sequence[CheckedFile[Any]]) -> dict[str, int]:
    """Return how many files there are, and of each outcome: right, wrong, unknown, stopped."""
    kinds, statuses = Counter(one.verdict for one in checked), Counter(one.status for one in checked)
    return {
        "files": len(checked), "right": statuses[0], "wrong": kinds["wrong"], "unknown": kinds["unknown"],
        "stopped": statuses[2],
    }  # fmt: skip


def histogram(checked: Iterable[CheckedFile[Any]]) -> list[tuple[str, str, int]]:
    """Return code, title and count of files of each mistake, the commonest first."""
    counts: Counter[str] = Counter()
    titles: dict[str, str] = {}
    for one in checked:
        made = {code: title for told in one.told for code, title in told.mistakes.items()}
        counts.update(made.keys())
        titles = made | titles
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [(code, titles[code], count) for code, count in ordered]


# Update rules


@final
@dataclass(frozen=True)
class Told(Piece):
    """One piece of code that updates parameters.

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

    @property
    def kind(self) -> str:
        """The verdict in a word."""
        return self.verdict.kind

    @property
    def mistakes(self) -> Mapping[str, str]:
        """Titles of its mistakes, by code."""
        return {finding.code: finding.title for finding in self.verdict.mistakes}

    def as_dict(self) -> dict[str, Any]:
        """Return plain data without the paths."""
        verdict = self.verdict.as_dict()
        return {"name": self.name, "verdict": verdict.pop("kind"), **verdict, "mends": list(self.mends)}


@final
class Checked(CheckedFile[Told]):
    """One file of update rules."""

    statuses: ClassVar[Mapping[str, int]] = {"wrong": 1, "unknown": 1, "cannot_run": 2, "same": 0, "right": 0}
    key: ClassVar[str] = "diagnoses"

    @staticmethod
    def piece(data: Mapping[str, Any]) -> Told:
        """Read a diagnosis."""
        return Told(
            shown(data["name"], 60),
            Verdict.from_dict(data["verdict"]),
            tuple(data["mends"]),
            len(data["tape"]["rates"]),
            data,
        )
