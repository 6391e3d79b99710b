"""Sentences that keep what they are made of, so that they can be said in another language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final


@final
class Said(str):
    """An English text that was made of a sentence with gaps and of what fills them.

    It is a text like any other; a language looks its ``template`` up.

    Parameters
    ----------
    template : str
        The sentence, with gaps as in :meth:`str.format`.
    **values : str, int, float or Said
        What fills the gaps.

    Examples
    --------
    >>> told = Said("steps are {ratio:.1f} times too long", ratio=10.0)
    >>> told == "steps are 10.0 times too long", told.template
    (True, 'steps are {ratio:.1f} times too long')
    """

    __slots__ = ("template", "values")
    template: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, **values: Any) -> Said:
        """Fill the gaps."""
        made = str.__new__(cls, template.format(**values) if values else template)
        made.template, made.values = template, values
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.template, dict(self.values))

    def __deepcopy__(self, _: Any) -> Said:
        return self


def _again(template: str, values: Mapping[str, Any]) -> Said:
    return Said(template, **values)


def joined(parts: list[str], between: str) -> Said | str:
    """Join sentences; each stays what it was made of.

    Examples
    --------
    >>> joined([Said("a is {x}", x=1), Said("b")], "; ")
    'a is 1; b'
    """
    if len(parts) < 2:
        return parts[0] if parts else ""
    names = [f"part{k}" for k in range(len(parts))]
    template = between.join(f"{{{name}}}" for name in names)
    return Said(template, **dict(zip(names, parts, strict=True)))


def plain(text: str) -> Any:
    """Return a text as plain data that :func:`back` reads; a text that is only that stays one.

    Examples
    --------
    >>> plain(Said("at step {t}", t=3))
    {'said': 'at step {t}', 'of': {'t': 3}}
    """
    if not isinstance(text, Said):
        return text
    return {"said": text.template, "of": {name: plain(value) for name, value in text.values.items()}}


def back(data: Any) -> Any:
    """Return what :func:`plain` was given.

    Examples
    --------
    >>> back({'said': 'at step {t}', 'of': {'t': 3}})
    'at step 3'
    """
    if isinstance(data, Mapping) and "said" in data:
        return Said(data["said"], **{name: back(value) for name, value in data["of"].items()})
    return data
