"""Trees: nested dicts, lists and tuples whose leaves are arrays.

Functions here list the leaves of a tree, apply a function to all of them, and name the path to a
leaf. Read next: `backward`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

Path = tuple[str | int, ...]
_BRANCHES = (dict, list, tuple)


def leaves(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Return an iterator over the leaves of a tree, each with its path."""
    if isinstance(tree, _BRANCHES):
        pairs: list[tuple[Path, Any]] = []
        _gather(tree, path, pairs)
        return iter(pairs)
    return iter(() if tree is None else [(path, tree)])


def _gather(tree: Any, path: Path, pairs: list[tuple[Path, Any]]) -> None:
    for key, branch in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if isinstance(branch, _BRANCHES):
            _gather(branch, (*path, key), pairs)
        elif branch is not None:
            pairs.append(((*path, key), branch))


def path_text(path: Path) -> str:
    """Return a path written as code: ``params['dense'][0]``."""
    return str(path[0]) + "".join(f"[{part!r}]" for part in path[1:])


def map_leaves(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Return a tree of the same structure with ``function`` applied to each leaf.

    Each call gets the leaf of ``tree`` and the leaves of the ``others`` at the same path.
    """
    if isinstance(tree, dict):
        return {
            key: map_leaves(function, branch, *(others and [other[key] for other in others]))
            for key, branch in tree.items()
        }
    if not isinstance(tree, (list, tuple)):
        return None if tree is None else function(tree, *others)
    parts = [
        map_leaves(function, branch, *(others and [other[i] for other in others]))
        for i, branch in enumerate(tree)
    ]
    return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)


def with_own_memory(tree: Any, others: Iterable[Any] = ()) -> Any:
    """Return the tree with arrays that share no memory with each other or with ``others``.

    A view is copied, because its base array may be in use elsewhere.
    """
    ids = {id(other) for other in others}

    def own(leaf: Any) -> Any:
        if type(leaf) is not np.ndarray:
            return leaf
        if leaf.base is not None or id(leaf) in ids:
            leaf = leaf.copy()
        ids.add(id(leaf))
        return leaf

    return map_leaves(own, tree)
