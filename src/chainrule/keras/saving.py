"""Files of models, and the registry of your own functions and classes in these files."""

from __future__ import annotations

from typing import Any

from chainrule._src.base.config import made as deserialize_keras_object
from chainrule._src.base.config import plain as serialize_keras_object
from chainrule._src.base.registered import name_of as get_registered_name
from chainrule._src.base.registered import registered
from chainrule.keras.models import load_model, save_model
from chainrule.keras.utils import (
    custom_object_scope,
    get_custom_objects,
    register_keras_serializable,
)

__all__ = [
    "CustomObjectScope", "custom_object_scope", "deserialize_keras_object", "get_custom_objects",
    "get_registered_name", "get_registered_object", "load_model", "register_keras_serializable",
    "save_model", "serialize_keras_object",
]  # fmt: skip

CustomObjectScope = custom_object_scope


def get_registered_object(name: str, custom_objects: Any = None) -> Any:
    """Return the function or class that is registered under a name, or None.

    Parameters
    ----------
    name : str
        Such as ``"my_package>cube"``.
    custom_objects : dict, optional
        Further functions and classes by name, which come first.

    Returns
    -------
    callable or None

    Examples
    --------
    >>> from chainrule import keras
    >>> @keras.saving.register_keras_serializable("example")
    ... def cube(x):
    ...     return x**3
    >>> keras.saving.get_registered_object("example>cube") is cube
    True
    >>> keras.saving.get_registered_object("cube", {"cube": abs}) is abs
    True
    """
    with custom_object_scope(custom_objects):
        return registered(name)
