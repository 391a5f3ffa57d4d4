from tests.peers.keras_tests.imports import Room

from chainrule import initializers

room = Room("initializers", vars(initializers))
