from tests.peers.keras_tests.imports import Room

from chainrule import activations

room = Room("activations", vars(activations))
