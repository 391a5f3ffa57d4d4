"""A loss that can be recorded although its code also does something that tensors do not support.

A function often returns the loss and the gradient by hand. Its backward pass need not be recorded:
a statement that does not decide the loss reads plain arrays, if tensors do not support its
operation.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.check.code import FunctionSource, codes_called, nodes_of
from chainrule._src.check.watching import Watch, is_number
from chainrule._src.core.captured import around
from chainrule._src.core.tensor import Tensor

MOST = 8  # statements that read plain arrays
Loss = Callable[..., Any]


def recordable(
    loss: Loss, data: Sequence[Any], parameters: Mapping[str, Array], error: Exception,
    record: Callable[[Loss], Any],
) -> Any:  # fmt: skip
    """Return the recording of a loss, where recording it raised an error; None if none succeeds.

    ``record`` is called with the loss in which some statements read plain arrays.
    """
    try:
        codes = codes_called(lambda: loss(parameters, *data))
        detached = DetachedLoss(loss, Watch(codes, lambda: loss(parameters, *data)))
        for _ in range(MOST):
            if not detached.leave_out(error):
                return None
            try:
                return record(detached)
            except Exception as next_error:  # another statement does such a thing
                error = next_error
    except Exception:  # the code cannot be watched
        return None
    return None


class DetachedLoss:
    """A loss in which some statements read plain arrays in the place of tensors.

    Parameters
    ----------
    loss : callable
        ``loss(parameters, *data)``.
    watch : Watch
        A watched run of the loss.
    """

    def __init__(self, loss: Loss, watch: Watch) -> None:
        self.loss, self.watch = loss, watch
        self._statements: dict[int, FunctionSource] = {}

    def __call__(self, parameters: Any, *data: Any) -> Any:
        with ExitStack() as stack:
            for code in set(self._statements.values()):
                stack.enter_context(code.running(self.watch.hooked(code), self._read))
            return self.loss(parameters, *data)

    def leave_out(self, error: Exception) -> bool:
        """Let the statement that failed read plain arrays; return false if it decides the loss."""
        failure = _statement_of(error, self.watch.codes)
        if failure is None or id(failure[1]) in self._statements:
            return False
        code, statement = failure
        self._statements[id(statement)] = code
        return bool(np.array_equal(self.watch.run(self._noisy), self.watch.result))

    def _reads_plain(self, key: int) -> bool:
        return id(self.watch.sites[key].statement) in self._statements

    def _read(self, key: int, value: Any) -> Any:
        if not self._reads_plain(key):
            return value
        value = around.result(value)
        while isinstance(value, Tensor):
            value = value.value
        return value

    def _noisy(self, key: int, value: Any) -> Any:
        """Return a value with noise; that of integers and truth values does not change slopes."""
        if not self._reads_plain(key) or not is_number(value):
            return value
        return value + np.random.default_rng(key).standard_normal(np.shape(value))


def _statement_of(
    error: Exception, codes: Sequence[FunctionSource]
) -> tuple[FunctionSource, ast.stmt] | None:
    """Return the innermost statement of the learner's code in which an error was raised."""
    failure, trace = None, error.__traceback__
    while trace is not None:
        frame = trace.tb_frame.f_code
        for code in codes:
            if frame.co_filename == code.file and frame.co_name == code.code_object.co_name:
                inside = [
                    s for s in nodes_of(code.tree)
                    if isinstance(s, ast.stmt) and s is not code.tree
                    and s.lineno <= trace.tb_lineno <= (s.end_lineno or s.lineno)
                ]  # fmt: skip
                if inside:
                    failure = code, max(inside, key=lambda s: s.lineno)
        trace = trace.tb_next
    return failure
