"""Locks and callbacks for forks: a child process has only one thread of its parent's.

A lock that another thread of the parent holds would never be released in the child. The locks
protect dicts and lists, which Python changes one entry at a time: a child may miss an entry, but
sees no broken one. LLVM has locks of its own: `llvm` makes forks wait.
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
    """Return a lock that is released in every child process.

    Parameters
    ----------
    reentrant : bool, default True
        If true, the thread that holds the lock may acquire the lock again.

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
    """Register a callback before every fork, and one after every fork in the parent."""
    if hasattr(os, "register_at_fork"):  # not on Windows, which has no forks
        os.register_at_fork(before=work, after_in_parent=after or (lambda: None))


def in_child(work: Callable[[], Any]) -> None:
    """Register a callback that every child process runs before its own code goes on."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=work)


def _free() -> None:
    for each in _locks:
        each._at_fork_reinit()


def _import_anew() -> None:
    """Forget the modules that other threads of the parent were importing.

    Python has a lock for each module that is being imported, and does not release it in the child:
    an import of such a module would wait for ever.
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
