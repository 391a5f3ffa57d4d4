"""Errors and warnings as single lines on stderr, and exit codes."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer
from rich.markup import escape
from typer.core import TyperGroup

from chainrule._src.base.console import Terminal
from chainrule._src.base.errors import (
    ChainruleError,
    DataError,
    DivergenceError,
    FileError,
    OptionError,
    ShapeError,
    UnknownNameError,
    shortened,
)
from chainrule._src.base.escaping import for_terminal
from chainrule._src.base.validation import lookup

UNEXPECTED, USAGE, DATA, FILE, DIVERGED, INTERRUPTED = 1, 2, 3, 4, 5, 130
EXIT_CODES = {
    0: "done",
    UNEXPECTED: "something unexpected",
    USAGE: "wrong usage",
    DATA: "bad data",
    FILE: "a file or model that cannot be read or written",
    DIVERGED: "training diverged",
    INTERRUPTED: "stopped by Ctrl-C",
}
LINE = 2000  # characters of a note or an error, at most
TRACEBACK = "CHAINRULE_TRACEBACK"  # if set, unexpected errors show their traceback


class UsageError(ChainruleError, ValueError):
    """An option has a value that it cannot have."""


_TypersUsageError: type[Exception] = typer.BadParameter.__bases__[0]  # its module varies
_CODES: list[tuple[type[BaseException], int]] = [
    (UsageError, USAGE),
    (OptionError, USAGE),
    (DivergenceError, DIVERGED),
    (FileError, FILE),
    (OSError, FILE),
    (UnknownNameError, USAGE),
    (DataError, DATA),
    (ShapeError, DATA),
]


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, with a message about the results that were saved."""


class Verbs(TyperGroup):
    """A group of commands that prints each error as a single line."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Read the command line."""
        with explained():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        with explained(), warnings_as_notes():
            return super().invoke(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by name; the error for an unknown name lists the commands."""
        lookup("command", cmd_name, self.commands)
        return super().get_command(ctx, cmd_name)


@contextmanager
def explained() -> Iterator[None]:
    """Turn an error into a line on stderr and an exit code."""
    try:
        yield
    except (typer.Exit, typer.Abort):
        raise
    except _TypersUsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            raise
        _fail(_usage_text(error), USAGE)
    except BrokenPipeError:  # the reader has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(UNEXPECTED) from None
    except KeyboardInterrupt as stop:
        detail = f"; {stop}" if str(stop) else ""
        typer.echo(for_terminal(f"Stopped by Ctrl-C{detail}."), err=True)
        raise typer.Exit(INTERRUPTED) from None
    except OptionError as error:
        _fail(f"--{error.option.replace('_', '-')}: {error.reason}", exit_code(error))
    except ChainruleError as error:
        _fail(str(error), exit_code(error))
    except OSError as error:
        _fail(_system_text(error), FILE)
    except MemoryError:
        _fail("there is not enough memory for this", UNEXPECTED)
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        what = f"{type(error).__name__}: {error}"
        _fail(f"unexpected, please report it: {what} ({TRACEBACK}=1 shows where)", UNEXPECTED)


@contextmanager
def warnings_as_notes() -> Iterator[None]:
    """Context manager that prints warnings as notes, and hides warnings for programmers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind in (UserWarning, RuntimeWarning, FutureWarning):
            warnings.simplefilter("default", kind)
        warnings.showwarning = lambda message, *where, **more: warn(str(message))
        yield


def exit_code(error: BaseException) -> int:
    """Return the exit code of an error.

    Examples
    --------
    >>> exit_code(DataError("a value is missing"))
    3
    """
    return next((code for kind, code in _CODES if isinstance(error, kind)), UNEXPECTED)


def warn(message: str, label: str = "note", style: str = "bold yellow") -> None:
    """Write a line to stderr; a line that is too long keeps its beginning and its end."""
    line = shortened(" ".join(message.split()), LINE)
    Terminal(stderr=True, soft_wrap=True).print(f"[{style}]{label}:[/] {escape(line)}")


def tell(notes: Iterable[str]) -> None:
    """Write notes to stderr, a line each."""
    for note in notes:
        warn(note)


def _fail(message: str, code: int) -> NoReturn:
    warn(message, "error", "bold red")
    raise typer.Exit(code) from None


def _usage_text(error: Exception) -> str:
    message = error.format_message().rstrip(".")  # type: ignore[attr-defined]
    command = getattr(getattr(error, "ctx", None), "command_path", "chainrule")
    return f"{message}; see {command} --help"


def _system_text(error: OSError) -> str:
    prefix = f"{error.filename}: " if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"{prefix}the disk is full; make room or write elsewhere"
    return f"{prefix}{error.strerror or error}"
