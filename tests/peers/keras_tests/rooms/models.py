from tests.peers.keras_tests.imports import Room

from chainrule import sequential

room = Room("models", vars(sequential))
