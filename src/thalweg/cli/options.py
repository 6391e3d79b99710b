"""The options of the commands, in groups, and how their values are read. Importing this must stay cheap."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from thalweg.errors import SettingError

if TYPE_CHECKING:
    ParamType = click.ParamType[Any]
else:
    ParamType = click.ParamType  # not every version of click lets it take an argument
Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Decorator = Callable[[Decorated], Decorated]


class Option(click.Option):
    """An option that knows under which heading the help shows it."""

    def __init__(self, *names: Any, section: str = "Other", **settings: Any) -> None:
        super().__init__(*names, **settings)
        self.section = section


class SectionedCommand(click.Command):
    """A command whose help groups the options under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one list per heading, in the order of the first option of each."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                sections.setdefault(getattr(parameter, "section", "Help"), []).append(record)
        if "Help" in sections:
            sections["Help"] = sections.pop("Help")  # last
        for section, records in sections.items():
            with formatter.section(section):
                formatter.write_dl(records)


# Values. A number that cannot be used is answered as in the library, with exit status 4, not as a misused option.


def written_number(text: str) -> float | int | None:
    """Return the number that a text is, an int where it has no point or exponent; None where it is none.

    ``inf`` and ``nan`` are numbers too, so that the answer can be that they must be finite.
    """
    from thalweg.exchange.tables.cells import NumberFormat

    plain = text.strip()
    value = NumberFormat().number(plain)
    if value is None and plain.lower().lstrip("+-") in {"inf", "infinity", "nan"}:
        return float(plain)
    return int(plain) if value is not None and plain.lstrip("+-").isdecimal() else value


class NumberType(ParamType):
    """A real number in a range such as ``"(0, inf)"``."""

    name = "number"

    def __init__(self, allowed: str | None = None) -> None:
        self.allowed = allowed

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ARG002
        """Return the number."""
        from thalweg.formulas.ranges import check_number

        number = written_number(value) if isinstance(value, str) else value
        if number is None:
            raise SettingError("SETTING-TYPE", _name(param), f"must be a real number, got {value!r:.40}")
        return float(check_number(_name(param), number, self.allowed))


class CountType(ParamType):
    """A whole number of at least ``least``; a word of ``words`` stands for the value beside it."""

    name = "count"

    def __init__(self, least: int = 1, words: dict[str, Any] | None = None) -> None:
        self.least, self.words = least, words or {}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ARG002
        """Return the number, or what a word stands for."""
        from thalweg.descent.settings import check_count

        if value in self.words:
            return self.words[value]
        number = written_number(value) if isinstance(value, str) else value
        if not isinstance(number, int):
            words = "".join(f" or {word!r}" for word in self.words)
            what = f"must be an integer >= {self.least}{words}, got {value!r:.40}"
            raise SettingError("SETTING-TYPE", _name(param), what)
        return check_count(_name(param), number, self.least)


class NumbersType(ParamType):
    """Numbers divided by commas, in a range; or the word ``auto``, which gives None."""

    name = "numbers"

    def __init__(self, allowed: str) -> None:
        self.one = NumberType(allowed)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the numbers as a tuple."""
        if not isinstance(value, str):
            return value
        if value == "auto":
            return None
        return tuple(self.one.convert(piece, param, ctx) for piece in value.split(",") if piece.strip())


class RatesType(NumbersType):
    """Numbers divided by commas, in a range; one whole number is how many; ``auto`` gives None."""

    name = "rates"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the numbers as a tuple, or how many as an int."""
        if isinstance(value, str) and value.strip().isdecimal() and value.isascii():
            return CountType(1).convert(value.strip(), param, ctx)
        return super().convert(value, param, ctx)


class NamesType(ParamType):
    """Names divided by commas."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ARG002
        """Return the names as a tuple."""
        return tuple(piece.strip() for piece in value.split(",")) if isinstance(value, str) else value


def _name(param: click.Parameter | None) -> str:
    return max(param.opts, key=len) if param is not None else ""


# Declarations: heading, names, what stands for the value in the help, the help, the default


def word(
    section: str, names: str, metavar: str, say: str, default: str | None = None, *, reads: Any = None, **settings: Any
) -> Decorator[Any]:
    """Declare an option that takes a word or, with a type, what that reads."""
    shown = settings.pop("show_default", default is not None)
    return click.option(
        *names.split(), cls=Option, section=section, metavar=metavar, help=say, default=default, type=reads,
        show_default=shown, **settings,
    )  # fmt: skip


def number(
    section: str, names: str, say: str, allowed: str = "(0, inf)", default: float | None = None
) -> Decorator[Any]:
    """Declare an option that takes a real number."""
    written = None if default is None else f"{default:g}"
    return word(section, names, "X", say, written, reads=NumberType(allowed))


def count(section: str, names: str, say: str, default: int | None = None, *, least: int = 1) -> Decorator[Any]:
    """Declare an option that takes a whole number."""
    return word(section, names, "N", say, None if default is None else str(default), reads=CountType(least))


def flag(section: str, names: str, say: str) -> Decorator[Any]:
    """Declare an option that is given or not."""
    return click.option(*names.split(), cls=Option, section=section, is_flag=True, help=say)


def choice(section: str, names: str, values: Sequence[str], say: str, default: str | None = None) -> Decorator[Any]:
    """Declare an option that takes one of a few words."""
    return word(section, names, "|".join(values), say, default, reads=click.Choice(values))


def together(*options: Decorator[Any]) -> Decorator[Any]:
    """Join declarations into one; the first stands first in the help."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def reading(*missing: str) -> Decorator[Any]:
    """Declare how a table is read, with the ways there are to deal with missing cells."""
    ways = {"drop": "leave the row out", "mean": "put the mean of the training part"}
    say = f"For missing cells: {', or '.join(ways[way] for way in missing)}."
    return together(
        word(
            "Table",
            "--delimiter",
            "MARK",
            "Between fields: ',' ';' tab ...  If left out, a .csv must have ',' and a .tsv tab; elsewhere it is found.",
        ),
        word("Table", "--encoding", "NAME", "Of the text.", "utf-8"),
        word("Table", "--comment", "MARK", "Lines that begin with it are passed over."),
        word("Table", "--decimal", "MARK", "The decimal mark: . or ,", "."),
        word("Table", "--thousands", "MARK", "Between groups of three digits."),
        choice("Table", "--missing", missing, say),
        flag("Table", "--no-header", "The first row is data; the columns are c1, c2, ..."),
        word("Table", "--names", "A,B,...", "With --no-header: names for the columns.", reads=NamesType()),
        word("Table", "--text", "COLUMN", "Take a column as text, whatever it holds; may be repeated.", multiple=True),
        word("Table", "--drop", "COLUMN", "Leave a column out; may be repeated.", multiple=True),
        count("Table", "--max-columns", "The most columns that are read.", 10_000),
    )


LEARNING = together(
    word("Table", "--target", "COLUMN", "The column to predict. A dataset has one by default."),
    choice("Table", "--task", ["auto", "regression", "classification"], "What the target asks for.", "auto"),
    reading("drop", "mean"),
    word("Table", "--validation", "FILE", "A table of its own to choose with, read as TABLE is."),
    number("Table", "--validation-fraction", "Share of all rows to choose with.", "(0, 1)", 0.2),
    number("Table", "--test-fraction", "Share of all rows to look at last.", "(0, 1)", 0.2),
    word("Model", "--model", "KIND", "linear, or mlp:64,32 for a network with these hidden layers.", "linear"),
    word("Model", "--activation", "NAME", "Of the hidden layers; with commas one for each.", "relu"),
    word(
        "Model",
        "--dropout",
        "X",
        "Share of hidden units; with commas one for each layer.",
        "0",
        reads=NumbersType("[0, 1)"),
    ),
    word("Model", "--loss", "NAME", "auto: squared for numbers, log for two classes, softmax for more.", "auto"),
    word("Model", "--penalty", "NAME", "l2, l1 or elastic_net, on the weights."),
    number("Model", "--alpha", "Strength of the penalty.", "[0, inf)"),
    number("Model", "--l1-ratio", "Share of l1 in elastic_net.", "[0, 1]"),
    flag("Model", "--no-scale-target", "Learn a target of numbers as it is, not standardised."),
    word("Descent", "--schedule", "NAME", "Of the learning rate: cosine, step:step_size=5, ..."),
    number("Descent", "--clip-value", "Bound on every entry of the gradient."),
    number("Descent", "--clip-norm", "Bound on the length of the gradient."),
    word("Descent", "--dtype", "TYPE", "float64 or float32.", "float64"),
)

BATCH_SIZE = word("Descent", "--batch-size", "N|full", "Rows per update.", "32", reads=CountType(1, {"full": None}))

OUTPUT = together(
    flag("Output", "--no-color", "Plain text."),
    flag("Output", "--debug", "Show where an error arose."),
)


def arguments_told() -> list[str]:
    """Return the words of the running command, after the program's name."""
    return list(click.get_current_context().obj or [])


def command_told() -> str:
    """Return the running command as it was told; remedies are written by changing it."""
    return shlex.join(["thalweg", *arguments_told()])


def was_told(name: str) -> bool:
    """Tell whether the running command was given this option, or has its default."""
    return click.get_current_context().get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
