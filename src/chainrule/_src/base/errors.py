"""The exceptions of chainrule. Each message says what was expected, what came, and what to do."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST, MOST = 100, 40  # characters of a text from elsewhere, and names of a list, in a message


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return a text as a message quotes it: of a long one begin and end, with … between.

    Examples
    --------
    >>> shortened("short"), shortened("a" * 20 + "b" * 20, longest=9)
    ('short', 'aaaaaa…bb')
    """
    end = longest // 4
    return text if len(text) <= longest else f"{text[: longest - end - 1]}…{text[-end:]}"


def listed(names: Iterable[object], most: int = MOST) -> str:
    """Return names for a message, with commas; of many the first, and how many more there are.

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
    """A value cannot be used: NaN, out of range, empty, of the wrong type."""


class ReadOnlyError(DataError, TypeError):
    """A value cannot be set: it follows from something else, such as a schedule."""


class OutOfRangeError(DataError, IndexError):
    """A class number or an index is out of range; the message names it and its row.

    Attributes
    ----------
    row : int or None
        In which row of the data it is.
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
        The last parameters whose loss was finite; None where a model keeps them itself.
    history : object or None
        What was recorded until then.
    """

    def __init__(self, message: str, params: object = None, history: object = None) -> None:
        super().__init__(message)
        self.params, self.history = params, history


class UnknownNameError(ChainruleError, ValueError):
    """A name is none of the valid ones; the message lists them, of many some, and the closest.

    Parameters
    ----------
    kind : str
        What was named, such as ``"activation"``.
    name : object
        What came.
    valid : iterable of str
        The names that would have been right.

    Examples
    --------
    >>> print(UnknownNameError("activation", "sigmoyd", ["relu", "sigmoid", "tanh"]))
    unknown activation 'sigmoyd': did you mean 'sigmoid'? Valid: relu, sigmoid, tanh
    """

    def __init__(self, kind: str, name: object, valid: Iterable[str]) -> None:
        self.kind, self.name, self.valid = kind, name, list(valid)
        lowered = {choice.lower(): choice for choice in self.valid}
        import difflib  # takes a while to load, and is seldom needed

        close = difflib.get_close_matches(str(name).lower(), lowered, n=1, cutoff=0.4)
        hint = f"did you mean {shortened(lowered[close[0]])!r}? " if close else ""
        shown = repr(shortened(name) if isinstance(name, str) else name)
        super().__init__(f"unknown {kind} {shown}: {hint}Valid: {listed(self.valid)}")


class OptionError(ChainruleError, ValueError):
    """An option does not suit the data that it is given for.

    Parameters
    ----------
    option : str
        Its name.
    reason : str
        What is wrong with it, and what to give.
    """

    def __init__(self, option: str, reason: str) -> None:
        super().__init__(option, reason)
        self.option, self.reason = option, reason

    def __str__(self) -> str:
        return f"{self.option}: {self.reason}"


class MissingDependencyError(ChainruleError, ImportError):
    """An optional package is not installed; the message says how to get it."""


class FileError(ChainruleError, OSError):
    """A file cannot be read or written; nothing was half-done."""


class ClusterError(ChainruleError, RuntimeError):
    """A cluster does not answer, or lost what it was asked for; the message says how to go on."""


class InterruptedWarning(UserWarning):
    """Ctrl-C ended training, which kept what was trained.

    ``warnings.simplefilter("error", InterruptedWarning)`` lets it end the program around as well.
    """


class TraceError(ChainruleError, RuntimeError):
    """Something was asked of a tensor that would lose its gradient; the message says what to write.

    Raised also where code cannot be recorded: a NumPy function without a gradient, or a branch
    on recorded values.
    """


class CompileError(ChainruleError, RuntimeError):
    """A recorded function cannot be compiled; the message names the operation.

    Training goes on in NumPy where it can.
    """


class MachineError(CompileError):
    """A machine runs no machine code: LLVM is missing, has none for it, or gets it wrong."""


class ExportError(ChainruleError, RuntimeError):
    """A recorded function cannot be written in another format; the message names the operation."""
