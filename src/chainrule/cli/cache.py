"""``chainrule cache``."""

from __future__ import annotations

import typer

from chainrule.cli.problems import Verbs
from chainrule.errors import FileError
from chainrule.escaping import for_terminal

cache = typer.Typer(cls=Verbs, no_args_is_help=True, help="Compiled kernels kept on disk.")


@cache.command("clear")
def clear_cache() -> None:
    """Delete every compiled kernel; each is compiled again when it is needed."""
    from chainrule.native.cache import cache_folder
    from chainrule.native.cache import clear_cache as clear

    try:
        where = cache_folder()
        count = clear()
    except OSError as error:
        raise FileError(f"cannot clear the cache: {error}") from error
    line = f"Deleted {count} compiled kernel{'s' * (count != 1)} from {where}"
    typer.echo(for_terminal(line))
