"""Cases of a table that one test goes through: to collect each would take longer than to run it."""

from contextlib import contextmanager


@contextmanager
def case(*values):
    """Have a failure say which case of the table it is of."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"in the case {', '.join(map(str, values))}")
        raise
