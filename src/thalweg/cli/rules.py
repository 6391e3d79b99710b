"""``thalweg rules``: the update rules, and everything about one of them."""

from __future__ import annotations

import inspect
import itertools
import re
import textwrap
import unicodedata
from typing import TYPE_CHECKING, Any

import click

from thalweg.cli import options as o

if TYPE_CHECKING:
    from thalweg.formulas.formula import Rule


@click.command("rules", cls=o.SectionedCommand, short_help="List the rules; print one in full.")
@click.argument("name", required=False)
@o.choice("Output", "--dtype", ["float64", "float32"], "Type of the native loop that is printed.", "float64")
@o.OUTPUT
def rules(name: str | None, **told: Any) -> None:
    """List the update rules, or print the one called NAME: formula, numbers, conventions, source, native loop.

    \b
    thalweg rules
    thalweg rules adam
    thalweg rules my_rules.py:my_rule     (runs the file)
    """  # noqa: D301 - what click reads is the character, not its name
    if name is None:
        _list(no_color=told["no_color"])
        return
    from thalweg.cli.formula_names import formula

    click.echo(_in_full(formula("rule", name, "rule"), told["dtype"]))


def _list(*, no_color: bool) -> None:
    from thalweg.cli.terminal import console, row, table
    from thalweg.formulas import catalog

    columns = (("rule", "left"), ("rate", "right"), ("memory", "right"), ("what it does", "left"))
    shown = table(*columns, wrap="what it does")
    for name, rule in catalog.rules().items():
        rate = rule.hyperparameters.get("learning_rate")
        summary = _parts(rule)[""].splitlines()[0].partition(": ")
        shown.add_row(
            *row([name, "-" if rate is None else f"{rate:g}", str(len(rule.slots)), _plain(summary[2] or summary[0])])
        )
    screen = console(no_color=no_color)
    screen.print(shown)
    screen.print("\nrate: by default. memory: numbers kept for each parameter.", markup=False)
    screen.print("One of them in full: thalweg rules adam", markup=False)
    screen.print("Its updates, number by number: thalweg explain adam", markup=False)


def _in_full(rule: Rule, dtype: str) -> str:
    """Return everything about a rule as text."""
    parts = _parts(rule)
    blocks = [rule.name, _prose(parts.pop(""))]
    blocks.append("Formula\n" + _indent(_formula_text(rule)))
    said = parts.pop("Parameters", "")
    if rule.hyperparameters:
        blocks.append("Hyperparameters\n" + _indent(_numbers(rule, said)))
    if rule.slots:
        blocks.append("Memory, for each parameter\n  " + ", ".join(rule.slots))
    blocks.append("On sparse rows\n" + _indent(_on_sparse_rows(rule)))
    blocks += [f"{title}\n{_indent(_prose(text))}" for title, text in parts.items() if title != "Examples"]
    blocks.append(f"Native loop ({dtype})\n" + _indent(rule.source(dtype)))
    return "\n\n".join(blocks)


def _on_sparse_rows(rule: Rule) -> str:
    """Say what an update of CSR rows costs."""
    from thalweg.formulas.rest import factors_at_rest

    factors = factors_at_rest(rule)
    if factors is None:
        what = "An update moves weights whose columns do not occur in it as well: it costs as much as all of them."
    else:
        what = "An update touches the weights whose columns occur in it alone, and costs as much as its entries."
    return textwrap.fill(what, 76)


def _numbers(rule: Rule, said: str) -> str:
    """Return the hyperparameters with their values; what the docstring says of them, where it does."""
    lines: list[str] = []
    told: set[str] = set()
    for line in said.splitlines():
        declared = re.fullmatch(r"(\w+(?:, \w+)*) : (.*)", line)
        if declared is None:
            lines.append(f"    {_plain(line.strip())}")
            continue
        names = declared[1].split(", ")
        told.update(names)
        values = ", ".join(f"{name} = {rule.hyperparameters.get(name)!r}" for name in names)
        lines.append(f"{values}  ({declared[2]})")
    lines += [f"{name} = {value!r}" for name, value in rule.hyperparameters.items() if name not in told]
    return "\n".join(lines)


def _parts(rule: Rule) -> dict[str, str]:
    """Return the sections of the docstring by title; what stands before the first has the title ``""``."""
    found = {"": ""}
    title = ""
    lines = (inspect.cleandoc(rule.__doc__ or "A rule without a description.")).splitlines()
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if re.fullmatch(r"-{3,}", line.strip()):
            continue
        if re.fullmatch(r"-{3,}", below.strip()) and line.strip():
            title = line.strip()
            found[title] = ""
            continue
        found[title] += f"{line}\n"
    return {title: text.strip("\n") for title, text in found.items()}


def _formula_text(rule: Rule) -> str:
    """Return the function as it was written, without its docstring."""
    import ast

    definition = ast.parse(rule.text).body[0]
    if not isinstance(definition, ast.FunctionDef):  # pragma: no cover - a rule is a function
        return rule.text
    if ast.get_docstring(definition) is None:
        return rule.text
    lines = rule.text.splitlines()
    said = definition.body[0]
    return "\n".join(lines[: said.lineno - 1] + lines[said.end_lineno :])


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" if line else "" for line in text.strip("\n").splitlines())


def _prose(text: str) -> str:
    """Return paragraphs as a terminal shows them: 76 columns, letters instead of TeX, no displayed mathematics."""
    blocks, shown = ["", *text.split("\n\n")], []
    for before, block in itertools.pairwise(blocks):
        goes_on = before.startswith(".. math::") and block[:1].islower()  # "with m as in ...": of no use without it
        if block.strip() and not block.startswith(".. math::") and not goes_on:
            shown.append(textwrap.fill(_plain(" ".join(block.split())), 76))
    return "\n\n".join(shown)


_GREEK = frozenset("alpha beta gamma delta epsilon eta theta lambda mu nu rho sigma".split())
_SIGNS = {"leftarrow": "<-", "cdot": "*", "odot": "*", "times": "x", "le": "<=", "ge": ">=", "ldots": "...", "ell": "l"}


def _plain(text: str) -> str:
    """Return text with its inline TeX in letters: ``ε / √(1 - β_2^t)``."""

    def letters(found: re.Match[str]) -> str:
        tex = re.sub(r"\\sqrt\{([^{}]*)\}", r"√(\1)", found[1])
        tex = re.sub(r"\\d?frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1) / (\2)", tex)
        tex = re.sub(r"\\hat\s*\{?(\\?[a-zA-Z]+)\}?", r"\1^", tex)
        tex = re.sub(r"\\(?:operatorname|mathrm|text)\{([^{}]*)\}", r"\1", tex)
        return re.sub(r"\\([a-zA-Z]+)", _sign, tex).replace("{", "").replace("}", "")

    return re.sub(r":math:`([^`]*)`", letters, text).replace("``", "")


def _sign(name: re.Match[str]) -> str:
    if name[1] in _GREEK:
        return unicodedata.lookup(f"GREEK SMALL LETTER {name[1].replace('lambda', 'lamda').upper()}")
    return _SIGNS.get(name[1], name[1])
