"""What lets a page stand alone, and keeps it safe: its scripts inside, a policy that allows no other, inert data."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from thalweg.errors import UsageError

#: What of Bokeh the charts need: the library, and the way to build figures in the page itself.
_BUNDLES = ("bokeh.min.js", "bokeh-api.min.js")
#: Where the template, the styles and the scripts of the page are.
HERE = Path(__file__).parent
# Characters that could end a script element, open a comment or break a line of JavaScript.
_ESCAPED = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def json_text(value: Any) -> str:
    r"""Write plain data as JSON that may stand in a script element.

    Raises
    ------
    ValueError
        A number is not finite.

    Examples
    --------
    >>> print(json_text({"rule": "</script><b>"}))
    {"rule":"\u003c/script\u003e\u003cb\u003e"}
    """
    return json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=False).translate(_ESCAPED)


def check_extra() -> None:
    """Make sure that the page can be made.

    Raises
    ------
    UsageError
        REPORT-EXTRA: Bokeh or Jinja2 is not installed.
    """
    needed = {"Bokeh": "bokeh", "Jinja2": "jinja2"}
    missing = [name for name, module in needed.items() if importlib.util.find_spec(module) is None]
    if missing:
        what = f"a report needs {' and '.join(missing)}: pip install 'thalweg[report]'"
        raise UsageError("REPORT-EXTRA", "--report", what)


@lru_cache(maxsize=1)
def bokeh_scripts() -> tuple[str, ...]:
    """Return Bokeh's scripts. They are read where Bokeh keeps them: importing it would take longer than the page."""
    check_extra()
    found = importlib.util.find_spec("bokeh")
    folder = Path(next(iter(found.submodule_search_locations or ()))) if found else HERE
    return tuple((folder / "server" / "static" / "js" / name).read_text(encoding="utf-8") for name in _BUNDLES)


def own(*names: str) -> str:
    """Return files of this folder, one after the other."""
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)


def policy(scripts: Sequence[str]) -> str:
    """Return a content security policy under which nothing but these scripts runs, and nothing is fetched.

    Styles may stand inline, because Bokeh writes its own into the page; images may be written out as ``data:``, which
    its icons are.
    """
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    allowed = f"script-src {hashes}; style-src 'unsafe-inline'; img-src data:"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
