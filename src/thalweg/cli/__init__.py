"""The command line. Each command imports what it needs when it runs, so that ``thalweg --help`` answers at once."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

import click

from thalweg import __version__
from thalweg.cli.check import check
from thalweg.cli.compare import compare
from thalweg.cli.explain import explain
from thalweg.cli.export import export
from thalweg.cli.inspect import inspect
from thalweg.cli.interrupts import INTERRUPTED, clean_stops, leave
from thalweg.cli.predict import predict
from thalweg.cli.quiz import quiz
from thalweg.cli.range import learning_rate_range
from thalweg.cli.rules import rules
from thalweg.cli.runs import runs
from thalweg.cli.train import train
from thalweg.errors import LimitError, StorageError, ThalwegError, UsageError

__all__ = ["main"]


@click.group(
    "thalweg",
    invoke_without_command=True,
    help="A workbench for gradient descent: train models on your own tables, and compare the rules that train them.",
    epilog="TABLE is a CSV, TSV or Parquet file, or dataset:NAME (diabetes, breast_cancer, moons, airfoil, ...).",
)
@click.version_option(__version__, package_name="thalweg")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show the help where no command is named."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


for each in (train, predict, inspect, export, compare, learning_rate_range, check, rules, explain, quiz, runs):
    command.add_command(each)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit status.

    0 done, 2 wrong usage, 3 data, 4 settings, 5 diverged, 6 files, 7 model file refused, 8 limits, 130 interrupted.

    Parameters
    ----------
    arguments : sequence of str, optional
        ``sys.argv`` without the program if left out.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    with clean_stops():
        status = _run(given)
    leave(status)


def _run(arguments: list[str]) -> int:
    debug = "--debug" in arguments
    try:
        status = command.main(list(arguments), prog_name="thalweg", standalone_mode=False, obj=arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_output()  # its reader has left, as `head` does
        return 0
    except (KeyboardInterrupt, click.Abort) as stopped:  # click has ended the line that shows ^C already
        told = (stopped.__cause__ or stopped).args
        click.echo("; ".join(["interrupted", *map(str, told)]), err=True)
        return INTERRUPTED
    except click.ClickException as error:
        return _answer(_usage(error), debug=debug)
    except ThalwegError as error:
        return _answer(error, debug=debug)
    except OSError as error:  # files have answers of their own, so this is the output
        _forget_output()
        what = f"cannot be written: {_one_line(error.strerror or error)}"
        return _answer(StorageError("FILE-WRITE", _one_line(error.filename or "standard output"), what), debug=debug)
    except MemoryError:
        what = "there is not enough memory for this"
        return _answer(
            LimitError("LIMIT-MEMORY", "", what, "Take fewer rows, smaller layers or --dtype float32."), debug=debug
        )
    except Exception as error:  # noqa: BLE001 - the last door: no traceback leaves it unasked
        if debug:
            traceback.print_exc()
        click.echo(f"error[INTERNAL] {type(error).__name__}: {_one_line(error)}", err=True)
        click.echo("  This is a mistake in thalweg. The same command with --debug says where.", err=True)
        return 1
    return status if isinstance(status, int) else 0


def _forget_output() -> None:
    """Let what is still buffered go nowhere, or leaving would fail on it once more."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _answer(error: ThalwegError, *, debug: bool) -> int:
    """Say what is wrong and return the exit status."""
    if debug:
        traceback.print_exc()
    click.echo(str(error), err=True)
    return error.exit_status


def _usage(error: click.ClickException) -> UsageError:
    """Return a mistake in the use of the command line in the form of all others."""
    where, hint = "", ""
    context = getattr(error, "ctx", None)
    if context is not None:
        where = context.command_path
        hint = f"See {where} --help."
    return UsageError("USAGE", where, _one_line(error.format_message()).rstrip("."), hint)


def _one_line(error: object) -> str:
    text = " ".join(str(error).split())
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)[:300]
