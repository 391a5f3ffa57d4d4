"""Operations: chainrule's for what it records, Keras's own for the arrays of the tests."""

import functools

from keras.src import ops as theirs
from keras.src import tree
from tests.peers.keras_tests.imports import Room

from chainrule.keras import ops


def either(name):
    """Return an operation that looks at what it is given."""

    @functools.wraps(getattr(theirs, name))
    def operation(*args, **kwargs):
        recorded = any(hasattr(x, "level") for x in tree.flatten((args, kwargs)))
        return getattr(ops if recorded else theirs, name)(*args, **kwargs)

    return operation


COMPARED = ("greater", "less")  # by identity: callbacks hold them
both = [name for name in {*dir(theirs)}.difference(COMPARED) if hasattr(ops, name)]
names = {name: either(name) for name in both if callable(getattr(theirs, name))}
room = Room("ops", names, scaffolding=True)
