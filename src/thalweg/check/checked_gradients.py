"""What came of the gradients in a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

from thalweg.check.checked import CheckedFile, Piece
from thalweg.check.gradient_diagnosis import GradientDiagnosis
from thalweg.errors import shown


@final
@dataclass(frozen=True)
class ToldGradient(Piece):
    """One gradient.

    Parameters
    ----------
    name : str
        The function or class with the gradient.
    diagnosis : GradientDiagnosis
    """

    name: str
    diagnosis: GradientDiagnosis

    @property
    def kind(self) -> str:
        """The verdict in a word."""
        return self.diagnosis.kind

    @property
    def mistakes(self) -> Mapping[str, str]:
        """Titles of the causes that were found, by code."""
        found = self.diagnosis.verdict
        return {cause.code: cause.title for cause in found.causes} if found else {}

    def as_dict(self) -> dict[str, Any]:
        """Return plain data without what pictures are drawn of."""
        data = self.diagnosis.as_dict()
        found: dict[str, Any] = data.pop("verdict") or {}
        del data["source"]
        for block in found.get("blocks", ()):
            del block["numbers"]
        return {
            "name": data.pop("name"), "of": data.pop("of"), "verdict": data.pop("kind"), **data,
            **{key: value for key, value in found.items() if key != "verdict"},
        }  # fmt: skip


@final
class CheckedGradients(CheckedFile[ToldGradient]):
    """One file of gradients."""

    statuses: ClassVar[Mapping[str, int]] = {"wrong": 1, "cannot_run": 2, "unclear": 2, "right": 0}
    key: ClassVar[str] = "gradients"

    @staticmethod
    def piece(data: Mapping[str, Any]) -> ToldGradient:
        """Read a diagnosis."""
        return ToldGradient(shown(data["name"], 60), GradientDiagnosis.from_dict(data))
