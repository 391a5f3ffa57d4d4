"""Nested dicts, lists and tuples of arrays, taken apart and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

Path = tuple[str | int, ...]
_BRANCHES = (dict, list, tuple)


def leaves(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Return an iterator over the leaves with their paths."""
    if isinstance(tree, _BRANCHES):
        found: list[tuple[Path, Any]] = []
        _gather(tree, path, found)
        return iter(found)
    return iter(() if tree is None else [(path, tree)])


def _gather(tree: Any, path: Path, found: list[tuple[Path, Any]]) -> None:
    for key, branch in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if isinstance(branch, _BRANCHES):
            _gather(branch, (*path, key), found)
        elif branch is not None:
            found.append(((*path, key), branch))


def path_text(path: Path) -> str:
    """Write a path as code: ``params['dense'][0]``."""
    return str(path[0]) + "".join(f"[{part!r}]" for part in path[1:])


def map_leaves(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Return the same structure with ``function`` applied to each leaf (and to those of others)."""
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

    A view is copied, because the array that it belongs to may be in use elsewhere.
    """
    used = {id(other) for other in others}

    def own(leaf: Any) -> Any:
        if type(leaf) is not np.ndarray:
            return leaf
        if leaf.base is not None or id(leaf) in used:
            leaf = leaf.copy()
        used.add(id(leaf))
        return leaf

    return map_leaves(own, tree)
