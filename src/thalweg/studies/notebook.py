"""A comparison as a notebook shows it: words, table, picture."""

from __future__ import annotations

import base64
import html
import importlib.util
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thalweg.studies.comparison import Comparison

_SHOWN = 12


def notebook_html(comparison: Comparison) -> str:
    """Return HTML with the verdict, the first rules of the table and, with matplotlib, the picture."""
    said = "".join(f"<p>{html.escape(line)}</p>" for line in (*comparison.verdict.lines, *comparison.noticed()))
    rows = comparison.summary.table()
    names = list(rows[0])
    head = "".join(f"<th>{html.escape(name.replace('_', ' '))}</th>" for name in names)
    body = "".join(
        f"<tr>{''.join(f'<td>{html.escape(_text(row[name]))}</td>' for name in names)}</tr>" for row in rows[:_SHOWN]
    )
    more = f"<p>and {len(rows) - _SHOWN} more {comparison.summary.noun}s</p>" if len(rows) > _SHOWN else ""
    figure = ""
    if importlib.util.find_spec("matplotlib") is not None:
        data = base64.b64encode(comparison.picture("png")).decode()
        source = f"data:image/png;base64,{data}"
        figure = f'<img alt="loss against epochs and learning rate" style="max-width: 100%" src="{source}">'
    return f"<div>{said}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}{figure}</div>"


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
