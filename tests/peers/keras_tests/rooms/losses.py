from tests.peers.keras_tests.imports import Room

from chainrule import losses

room = Room("losses", vars(losses))
