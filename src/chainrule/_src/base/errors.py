"""The exceptions of chainrule. Each message says what was expected, received, and what to do."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST, MOST = 100, 40  # limits in a message: characters of a quoted text, names in a list


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return a text for a message; the middle of a long text is replaced by ….

    Parameters
    ----------
    text : str
    longest : int, default 100
        Largest number of characters of the result.

    Returns
    -------
    str

    Examples
    --------
    >>> shortened("short"), shortened("a" * 20 + "b" * 20, longest=9)
    ('short', 'aaaaaa…bb')
    """
    end = longest // 4
    return text if len(text) <= longest else f"{text[: longest - end - 1]}…{text[-end:]}"


def listed(names: Iterable[object], most: int = MOST) -> str:
    """Return names for a message, separated by commas; a long list is cut, with a count.

    Parameters
    ----------
    names : iterable of object
    most : int, default 40
        Largest number of names.

    Returns
    -------
    str

    Examples
    --------
    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    texts = [shortened(str(name)) for name in names]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


class ChainruleError(Exception):
    """Base of every error that chainrule raises on purpose.

    Examples
    --------
    >>> import chainrule as cr
    >>> try:
    ...     cr.layers.Dense(0)
    ... except ChainruleError as error:
    ...     print(f"{type(error).__name__}: {error}")
    DataError: Dense: units must be a whole number of at least 1, received 0
    """


class ShapeError(ChainruleError, ValueError):
    """An array has the wrong shape or number of dimensions.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.layers.Reshape((3,)).build((None, 4))
    Traceback (most recent call last):
    ...
    chainrule.errors.ShapeError: layer 'reshape' (Reshape): samples of shape (4,) have 4 entries,
    which cannot be laid out as (3,)
    """


class DataError(ChainruleError, ValueError):
    """A value cannot be used: it is NaN, out of range, empty, or of the wrong type.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.one_hot(3, [0, 5])
    Traceback (most recent call last):
    ...
    chainrule.errors.DataError: one_hot: labels must be from 0 to 2, received 5
    """


class ReadOnlyError(DataError, TypeError):
    """A value cannot be set, because it is computed from another value, such as a schedule.

    Examples
    --------
    >>> import chainrule as cr
    >>> optimizer = cr.optimizers.SGD(cr.schedules.ExponentialDecay(0.1, 10, 0.5))
    >>> try:
    ...     optimizer.learning_rate = 0.2
    ... except ReadOnlyError as error:
    ...     print(str(error).partition("(")[0])
    SGD: the learning rate follows ExponentialDecay
    """


class OutOfRangeError(DataError, IndexError):
    """A class number or an index is out of range; the message names the value and its row.

    Parameters
    ----------
    message : str
        The message without the row.
    row : int, optional
        The row of the data that contains the value.
    advice : str, optional
        What to do, for the end of the text.

    Attributes
    ----------
    message, row, advice
        As the parameters.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.layers.Embedding(3, 2)([[0], [7]])
    Traceback (most recent call last):
    ...
    chainrule.errors.OutOfRangeError: Embedding: entries must be whole numbers from 0 to 2,
    received 7 in row 1
    """

    def __init__(self, message: str, row: int | None = None, advice: str = "") -> None:
        super().__init__(message, row, advice)
        self.message, self.row, self.advice = message, row, advice

    def __str__(self) -> str:
        row_text = "" if self.row is None else f" in row {self.row}"
        return f"{self.message}{row_text}{self.advice and '; '}{self.advice}"


class DivergenceError(ChainruleError, ArithmeticError, RuntimeError):
    """A loss became NaN or infinite; the message says where and what to try.

    Parameters
    ----------
    message : str
    params : tree of ndarray, optional
        The last parameters whose loss was finite; None if the model itself holds them.
    history : object, optional
        The history recorded so far.

    Attributes
    ----------
    params, history
        As the parameters.

    Examples
    --------
    >>> import chainrule as cr
    >>> model = cr.Sequential([cr.layers.Dense(1)])
    >>> model.compile(cr.optimizers.SGD(1e30), loss="mse")
    >>> try:
    ...     model.fit([[1.0]], [[2.0]], epochs=9, verbose=0)
    ... except DivergenceError as error:
    ...     print(str(error).partition(" in ")[0])
    fit: the loss became NaN or infinite
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
    hint : str, optional
        What to write instead; by default the most similar valid name.

    Examples
    --------
    >>> print(UnknownNameError("activation", "sigmoyd", ["relu", "sigmoid", "tanh"]))
    unknown activation 'sigmoyd': did you mean 'sigmoid'? Valid: relu, sigmoid, tanh
    """

    def __init__(
        self, kind: str, name: object, valid: Iterable[str], hint: str | None = None
    ) -> None:
        self.kind, self.name, self.valid = kind, name, list(valid)
        lowered = {choice.lower(): choice for choice in self.valid}
        import difflib  # slow to import, and seldom needed

        close = difflib.get_close_matches(str(name).lower(), lowered, n=1, cutoff=0.4)
        likely = f"did you mean {shortened(lowered[close[0]])!r}? " if close else ""
        hint = likely if hint is None else f"{hint}. "
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

    Attributes
    ----------
    option, reason
        As the parameters.

    Examples
    --------
    >>> print(OptionError("threshold", "must lie between 0 and 1, received 7"))
    threshold: must lie between 0 and 1, received 7
    """

    def __init__(self, option: str, reason: str) -> None:
        super().__init__(option, reason)
        self.option, self.reason = option, reason

    def __str__(self) -> str:
        return f"{self.option}: {self.reason}"


class MissingDependencyError(ChainruleError, ImportError):
    """An optional package is not installed; the message says how to install the package.

    Examples
    --------
    >>> from chainrule._src.base.extras import needs
    >>> needs("telepathy", "", "brainwaves")
    Traceback (most recent call last):
    ...
    chainrule.errors.MissingDependencyError: telepathy needs brainwaves: pip install brainwaves
    """


class FileError(ChainruleError, OSError):
    """A file cannot be read or written; no file was left half-written.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.load_model("missing.safetensors")
    Traceback (most recent call last):
    ...
    chainrule.errors.FileError: cannot read missing.safetensors: No such file or directory
    """


class ClusterError(ChainruleError, RuntimeError):
    """A cluster does not answer, or lost data or results; the message says how to go on.

    Examples
    --------
    >>> try:
    ...     raise ClusterError("the cluster at tcp://10.0.0.1:8786 does not answer: timeout")
    ... except ChainruleError as error:
    ...     print(error)
    the cluster at tcp://10.0.0.1:8786 does not answer: timeout
    """


class FewUpdatesWarning(UserWarning):
    """An epoch of training in shards makes so few updates that a shard learns little.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", FewUpdatesWarning)  # where that is meant
    """


class InterruptedWarning(UserWarning):
    """Ctrl-C ended training; the model keeps the parameters trained so far.

    ``warnings.simplefilter("error", InterruptedWarning)`` makes Ctrl-C also end the calling
    program.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", InterruptedWarning)
    ...     warnings.warn("training was interrupted in epoch 3", InterruptedWarning)
    Traceback (most recent call last):
    ...
    chainrule.errors.InterruptedWarning: training was interrupted in epoch 3
    """


class TraceError(ChainruleError, RuntimeError):
    """An operation on a tensor would lose the gradient; the message says what to write instead.

    Also raised if code cannot be recorded: a NumPy function without a gradient, or a branch on
    recorded values.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.grad(lambda x: float(x) ** 2)(3.0)
    Traceback (most recent call last):
    ...
    chainrule.errors.TraceError: float(t) of a tensor would lose its gradient: go on with t itself;
    for printing, read t.value
    """


class CompileError(ChainruleError, RuntimeError):
    """A recorded function cannot be compiled; the message names the operation.

    Training goes on in NumPy if possible.

    Examples
    --------
    >>> try:
    ...     raise CompileError("qr runs in NumPy alone")
    ... except ChainruleError as error:
    ...     print(error)
    qr runs in NumPy alone
    """


class MachineError(CompileError):
    """A machine runs no machine code: LLVM is missing, has none for it, or gets it wrong.

    Examples
    --------
    >>> try:
    ...     raise MachineError("compiling needs llvmlite; pip install llvmlite")
    ... except CompileError as error:
    ...     print(error)
    compiling needs llvmlite; pip install llvmlite
    """


class ExportError(ChainruleError, RuntimeError):
    """A recorded function cannot be written in another format; the message names the operation.

    Examples
    --------
    >>> try:
    ...     raise ExportError("qr has no form in ONNX")
    ... except ChainruleError as error:
    ...     print(error)
    qr has no form in ONNX
    """


for _class in [*vars().values()]:  # tracebacks and pickles name the public module
    if isinstance(_class, type) and _class.__module__ == __name__:
        _class.__module__ = "chainrule.errors"
