from tests.peers.keras_tests.adapting import calls_with_arrays
from tests.peers.keras_tests.imports import Room

from chainrule import regularizers
from chainrule._src.base.validation import check_number


def validate_float_arg(value, name):
    return check_number(value, name, "regularizers")


room = Room("regularizers", {**vars(regularizers), "validate_float_arg": validate_float_arg})
PATCHES = calls_with_arrays(regularizers, regularizers.Regularizer)
