from tests.peers.keras_tests.imports import Room

from chainrule import layers

room = Room("layers", vars(layers))
