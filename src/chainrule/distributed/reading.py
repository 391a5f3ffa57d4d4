"""Groups read ahead: the next one while the present one trains."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from chainrule.distributed.groups import Group, Rows

KEPT = 2**28  # bytes of groups at hand, from which a round may have taken some rows only
Asked = tuple[Group, Sequence[Any]]


class Reader:
    """Reads groups for one thread, each in a thread that ends with it."""

    def __init__(self) -> None:
        self._found: OrderedDict[Group, Future[Rows]] = OrderedDict()

    def read(self, asked: Sequence[Asked]) -> Rows:
        """Return the rows of the first group, and begin with those of the second."""
        (group, given), *others = asked
        if not group.is_file:
            return group.read(*given)
        first = self._begun(group)
        for other, _ in others[:1]:
            if other.is_file:
                self._begun(other)
        try:
            rows = first.result()
        except BaseException:
            self.forget()
            raise
        self._let_go(rows)
        return rows

    def _begun(self, group: Group) -> Future[Rows]:
        if group not in self._found:
            self._found[group] = future = Future[Rows]()
            reading = threading.Thread(
                target=_read, args=(group, future), name="chainrule-reader", daemon=True
            )
            reading.start()
        self._found.move_to_end(group)
        return self._found[group]

    def _let_go(self, rows: Rows) -> None:
        """Keep no more than so many bytes, and what is in use."""
        each = sum(part.nbytes for part in rows if part is not None)
        while len(self._found) > 2 and len(self._found) * each > KEPT:
            self._found.popitem(last=False)

    def forget(self) -> None:
        """Let go of all."""
        self._found.clear()


def _read(group: Group, future: Future[Rows]) -> None:
    try:
        future.set_result(group.read())
    except BaseException as error:  # the thread that asked raises it
        future.set_exception(error)


_here = threading.local()


def reader() -> Reader:
    """Return this thread's."""
    if not hasattr(_here, "reader"):
        _here.reader = Reader()
    found: Reader = _here.reader
    return found
