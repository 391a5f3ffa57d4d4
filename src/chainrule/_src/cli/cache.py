"""``chainrule cache``."""

from __future__ import annotations

import typer

from chainrule._src.base.errors import FileError
from chainrule._src.base.escaping import for_terminal
from chainrule._src.cli.problems import Verbs

cache = typer.Typer(cls=Verbs, no_args_is_help=True, help="Compiled kernels kept on disk.")


@cache.command("clear")
def clear_cache() -> None:
    """Delete every compiled kernel; each is compiled again when it is needed."""
    from chainrule._src.compile.native.cache import cache_folder
    from chainrule._src.compile.native.cache import clear_cache as clear

    try:
        where = cache_folder()
        count = clear()
    except OSError as error:
        raise FileError(f"cannot clear the cache: {error}") from error
    line = f"Deleted {count} compiled kernel{'s' * (count != 1)} from {where}"
    typer.echo(for_terminal(line))
