from tests.peers.keras_tests.adapting import calls_with_arrays
from tests.peers.keras_tests.imports import Room

from chainrule import regularizers

room = Room("regularizers", vars(regularizers))
PATCHES = calls_with_arrays(regularizers, regularizers.Regularizer)
