from tests.peers.keras_tests.imports import Room

from chainrule._src.nn import sequential

room = Room("models", vars(sequential))
