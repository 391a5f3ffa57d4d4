"""Ways of calling, adapted: variables and JAX's arrays become NumPy's."""

import functools

import numpy as np
from keras.src import backend, tree


def as_numpy(value):
    """Return arrays and variables of Keras's as NumPy's, within lists and dicts too."""
    return tree.map_structure(
        lambda x: np.asarray(x) if backend.is_tensor(x) or _is_variable(x) else x, value
    )


def with_arrays(function):
    """Return a function or method that is given NumPy's arrays."""

    @functools.wraps(function)
    def called(*args, **kwargs):
        args, kwargs = as_numpy((args, kwargs))
        return function(*args, **kwargs)

    return called


def calls_with_arrays(module, base):
    """Return patches for the classes of a module: ``__call__`` is given NumPy's arrays."""
    classes = (thing for thing in vars(module).values() if isinstance(thing, type))
    found = (cls for cls in classes if issubclass(cls, base) and "__call__" in vars(cls))
    return {cls: {"__call__": with_arrays(cls.__call__)} for cls in found}


def _is_variable(x):
    return isinstance(x, backend.Variable)
