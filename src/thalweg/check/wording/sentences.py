"""Sentences that the examination makes, in another language: by their English templates, whose gaps are matched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import final

_GAP = re.compile(r"\{(\w+)\}")


@final
class Sentences:
    """A book of sentences.

    Parameters
    ----------
    templates : mapping of str
        English sentence with gaps such as ``{name}``, and the same in this language; the order of the gaps is free.
        What fills a gap is looked up itself, so that sentences may stand in sentences.

    Examples
    --------
    >>> book = Sentences({"the slope of {unit} is missing": "{unit} 缺导数", "one layer": "一层"})
    >>> book.said("the slope of tanh is missing")
    'tanh 缺导数'
    """

    def __init__(self, templates: Mapping[str, str]) -> None:
        self.templates = templates

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str]]:
        """Return templates with gaps, those with the most words of their own first."""
        gapped = [(english, said) for english, said in self.templates.items() if _GAP.search(english)]
        gapped.sort(key=lambda pair: -len(_GAP.sub("", pair[0])))
        return [(re.compile(_pattern(english), re.DOTALL), said) for english, said in gapped]

    def knows(self, text: str) -> bool:
        """Tell whether a text is one of the sentences."""
        return text in self.templates or any(pattern.fullmatch(text) for pattern, _ in self._patterns)

    def said(self, text: str) -> str:
        """Return a text in this language; what the book does not have stays as it is."""
        if not self.templates or not text:
            return text
        if text in self.templates:
            return self.templates[text]
        for pattern, said in self._patterns:
            hit = pattern.fullmatch(text)
            if hit:
                return said.format(**{name: self.said(value) for name, value in hit.groupdict().items()})
        parts = text.split("; ")
        return "\uff1b".join(self.said(part) for part in parts) if len(parts) > 1 else text


def _pattern(english: str) -> str:
    seen: set[str] = set()
    out, last = "", 0
    for gap in _GAP.finditer(english):
        out += re.escape(english[last : gap.start()])
        out += f"(?P={gap[1]})" if gap[1] in seen else f"(?P<{gap[1]}>.*?)"
        seen.add(gap[1])
        last = gap.end()
    return out + re.escape(english[last:])
