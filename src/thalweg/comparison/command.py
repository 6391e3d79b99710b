"""The command that made a comparison, with other options: what mends a finding is told so that it can be pasted."""

from __future__ import annotations

import ast
import shlex

#: What the options of the command line are called in Python, where the names differ.
_KEYWORDS = {"epochs": "budget", "validation_fraction": "validation", "test_fraction": "test"}


def changed(command: str, **options: str | None) -> str:
    """Return a command with some options set, or taken away where the value is None.

    Parameters
    ----------
    command : str
        Of the command line, or a call in Python.
    **options : str or None
        By the names of the keywords: ``learning_rates`` stands for ``--learning-rates``.

    Examples
    --------
    >>> changed("thalweg compare 'my houses.csv' --seeds 1 --target price", seeds="5", validation_fraction="0.2")
    "thalweg compare 'my houses.csv' --seeds 5 --target price --validation-fraction 0.2"
    >>> changed("thalweg.compare(X, y, seeds=1)", seeds="5", learning_rates="0.1,0.2", epochs="60")
    'thalweg.compare(X, y, seeds=5, learning_rates=[0.1, 0.2], budget=60)'
    """
    call = _call(command)
    return _in_python(call, options) if call is not None else _in_a_shell(command, options)


def _call(command: str) -> ast.Call | None:
    try:
        tree = ast.parse(command, mode="eval")
    except (SyntaxError, ValueError):
        return None
    return tree.body if isinstance(tree.body, ast.Call) else None


def _in_python(call: ast.Call, options: dict[str, str | None]) -> str:
    for option, value in options.items():
        name = _KEYWORDS.get(option, option)
        there = [keyword for keyword in call.keywords if keyword.arg == name]
        if value is None:
            call.keywords = [keyword for keyword in call.keywords if keyword.arg != name]
        elif there:
            there[0].value = _literal(value)
        else:
            call.keywords.append(ast.keyword(arg=name, value=_literal(value)))
    return ast.unparse(call)


def _literal(value: str) -> ast.expr:
    text = f"[{value}]" if "," in value else value
    try:
        return ast.parse(repr(ast.literal_eval(text)), mode="eval").body
    except (SyntaxError, ValueError):
        return ast.Constant(value)


def _in_a_shell(command: str, options: dict[str, str | None]) -> str:
    try:
        words = shlex.split(command)
    except ValueError:  # a quote that nobody closed
        words = command.split()
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        kept: list[str] = []
        place, following = None, False
        for word in words:
            if following:
                following = False
            elif word == option or word.startswith(f"{option}="):
                following = word == option
                place = len(kept) if place is None else place
            else:
                kept.append(word)
        words = kept
        if value is not None:
            place = len(words) if place is None else place
            words[place:place] = [option, value]
    return shlex.join(words)
