from tests.peers.keras_tests.adapting import calls_with_arrays
from tests.peers.keras_tests.imports import Room

from chainrule import losses

room = Room("losses", vars(losses))
PATCHES = calls_with_arrays(losses, losses.Loss)
