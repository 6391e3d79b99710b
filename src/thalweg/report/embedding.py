"""What lets a page stand alone, and keeps it safe: its scripts inside, a policy that allows no other, inert data."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thalweg.errors import UsageError

if TYPE_CHECKING:
    from jinja2 import Environment

#: What of Bokeh the charts need: the library, and the way to build figures in the page itself.
_BUNDLES = ("bokeh.min.js", "bokeh-api.min.js")
#: Where the template, the styles and the scripts of the page are.
HERE = Path(__file__).parent
AGAIN = "The same again"
MADE = "Made by thalweg {version}. All that is shown stands in this file; nothing is loaded from elsewhere."
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


def templates() -> Environment:
    """Return the templates of this folder. What they are filled with is escaped, and a name they lack is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def rendered(
    template: str, style: str, scripts: Sequence[str] = (), *, language: str = "en", again: str = AGAIN,
    made: str = MADE, **values: Any,
) -> str:  # fmt: skip
    """Return a page that stands alone: its style and its scripts in it, and a policy that lets nothing else run.

    Parameters
    ----------
    template : str
        One of this folder that extends ``base.html.j2``.
    style : str
        The style sheet.
    scripts : sequence of str
        Run in this order, after all else was read.
    language : str
        Code of the page's language.
    again, made : str
        Heading of the command that makes the page again; the last line, of ``version``.
    **values
        What else the template asks for, ``command`` among it; strings are escaped.

    Returns
    -------
    str
        To be written as UTF-8.

    Raises
    ------
    UsageError
        REPORT-EXTRA: Bokeh or Jinja2 is not installed.
    """
    check_extra()
    from markupsafe import Markup

    from thalweg import __version__

    return templates().get_template(template).render(
        policy=policy(scripts),
        style=Markup(style),  # noqa: S704 - the files of this folder
        scripts=[Markup(script) for script in scripts],  # noqa: S704 - the same, and Bokeh's
        language=language,
        again=again,
        made=made.format(version=__version__),
        **values,
    )  # fmt: skip


def policy(scripts: Sequence[str]) -> str:
    """Return a content security policy under which nothing but these scripts runs, and nothing is fetched.

    Styles may stand inline, because Bokeh writes its own into the page; images may be written out as ``data:``, which
    its icons are.
    """
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    allowed = f"script-src {hashes}; style-src 'unsafe-inline'; img-src data:"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
