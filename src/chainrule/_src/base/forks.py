"""Forks: a child has one thread of its parent's, and no lock that another thread holds.

Behind the locks are dicts and lists, of which Python changes one entry at a time: a child may find
less in them, but nothing that is wrong. LLVM has locks of its own: `llvm`
makes forks wait.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

_locks: WeakSet[Any] = WeakSet()


def lock(reentrant: bool = True) -> Any:
    """Return a lock that is free in every child.

    Parameters
    ----------
    reentrant : bool, default True
        If true, the thread that holds the lock may take it again.

    Examples
    --------
    >>> shared = lock()
    >>> with shared, shared:
    ...     pass
    """
    shared = threading.RLock() if reentrant else threading.Lock()
    _locks.add(shared)
    return shared


def before_forks(work: Callable[[], Any], after: Callable[[], Any] | None = None) -> None:
    """Have something done before every fork, and something else after it in the parent."""
    if hasattr(os, "register_at_fork"):  # not on Windows, which has no forks
        os.register_at_fork(before=work, after_in_parent=after or (lambda: None))


def in_child(work: Callable[[], Any]) -> None:
    """Have something done in every child, before its own code goes on."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=work)


def _free() -> None:
    for each in _locks:
        each._at_fork_reinit()


def _import_anew() -> None:
    """Forget modules that a thread was importing which stayed behind.

    Python has a lock for each of them, and does not free it: whoever imports one would wait for
    ever.
    """
    locks = getattr(sys.modules["_frozen_importlib"], "_module_locks", {})
    for name, reference in [*locks.items()]:
        owner = getattr(reference(), "owner", None)
        if owner != threading.get_ident():
            locks.pop(name, None)
            if owner is not None:
                sys.modules.pop(name, None)


in_child(_free)
in_child(_import_anew)
