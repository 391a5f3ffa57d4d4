"""The exceptions of chainrule. Each message says what was expected, received, and what to do."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST, MOST = 100, 40  # limits in a message: characters of a quoted text, names in a list


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return a text for a message; the middle of a long text is replaced by ….

    Examples
    --------
    >>> shortened("short"), shortened("a" * 20 + "b" * 20, longest=9)
    ('short', 'aaaaaa…bb')
    """
    end = longest // 4
    return text if len(text) <= longest else f"{text[: longest - end - 1]}…{text[-end:]}"


def listed(names: Iterable[object], most: int = MOST) -> str:
    """Return names for a message, separated by commas; a long list is cut, with a count.

    Examples
    --------
    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    texts = [shortened(str(name)) for name in names]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


class ChainruleError(Exception):
    """Base of every error that chainrule raises on purpose."""


class ShapeError(ChainruleError, ValueError):
    """An array has the wrong shape or number of dimensions."""


class DataError(ChainruleError, ValueError):
    """A value cannot be used: it is NaN, out of range, empty, or of the wrong type."""


class ReadOnlyError(DataError, TypeError):
    """A value cannot be set, because it is computed from another value, such as a schedule."""


class OutOfRangeError(DataError, IndexError):
    """A class number or an index is out of range; the message names the value and its row.

    Attributes
    ----------
    row : int or None
        The row of the data that contains the value.
    """

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message, row)
        self.message, self.row = message, row

    def __str__(self) -> str:
        return self.message if self.row is None else f"{self.message} in row {self.row}"


class DivergenceError(ChainruleError, ArithmeticError, RuntimeError):
    """A loss became NaN or infinite; the message says where and what to try.

    Attributes
    ----------
    params : tree of ndarray or None
        The last parameters whose loss was finite; None if the model itself holds them.
    history : object or None
        The history recorded so far.
    """

    def __init__(self, message: str, params: object = None, history: object = None) -> None:
        super().__init__(message)
        self.params, self.history = params, history


class UnknownNameError(ChainruleError, ValueError):
    """A name is not valid; the message lists valid names, and the most similar name.

    Parameters
    ----------
    kind : str
        The kind of object, such as ``"activation"``.
    name : object
        The name that was received.
    valid : iterable of str
        The valid names.

    Examples
    --------
    >>> print(UnknownNameError("activation", "sigmoyd", ["relu", "sigmoid", "tanh"]))
    unknown activation 'sigmoyd': did you mean 'sigmoid'? Valid: relu, sigmoid, tanh
    """

    def __init__(self, kind: str, name: object, valid: Iterable[str]) -> None:
        self.kind, self.name, self.valid = kind, name, list(valid)
        lowered = {choice.lower(): choice for choice in self.valid}
        import difflib  # slow to import, and seldom needed

        close = difflib.get_close_matches(str(name).lower(), lowered, n=1, cutoff=0.4)
        hint = f"did you mean {shortened(lowered[close[0]])!r}? " if close else ""
        quoted = repr(shortened(name) if isinstance(name, str) else name)
        super().__init__(f"unknown {kind} {quoted}: {hint}Valid: {listed(self.valid)}")


class OptionError(ChainruleError, ValueError):
    """An option does not suit the data.

    Parameters
    ----------
    option : str
        The option's name.
    reason : str
        What is wrong with the value, and which values are allowed.
    """

    def __init__(self, option: str, reason: str) -> None:
        super().__init__(option, reason)
        self.option, self.reason = option, reason

    def __str__(self) -> str:
        return f"{self.option}: {self.reason}"


class MissingDependencyError(ChainruleError, ImportError):
    """An optional package is not installed; the message says how to install the package."""


class FileError(ChainruleError, OSError):
    """A file cannot be read or written; no file was left half-written."""


class ClusterError(ChainruleError, RuntimeError):
    """A cluster does not answer, or lost data or results; the message says how to go on."""


class InterruptedWarning(UserWarning):
    """Ctrl-C ended training; the model keeps the parameters trained so far.

    ``warnings.simplefilter("error", InterruptedWarning)`` makes Ctrl-C also end the calling
    program.
    """


class TraceError(ChainruleError, RuntimeError):
    """An operation on a tensor would lose the gradient; the message says what to write instead.

    Also raised if code cannot be recorded: a NumPy function without a gradient, or a branch on
    recorded values.
    """


class CompileError(ChainruleError, RuntimeError):
    """A recorded function cannot be compiled; the message names the operation.

    Training goes on in NumPy if possible.
    """


class MachineError(CompileError):
    """A machine runs no machine code: LLVM is missing, has none for it, or gets it wrong."""


class ExportError(ChainruleError, RuntimeError):
    """A recorded function cannot be written in another format; the message names the operation."""


for _class in [*vars().values()]:  # tracebacks and pickles name the public module
    if isinstance(_class, type) and _class.__module__ == __name__:
        _class.__module__ = "chainrule.errors"
