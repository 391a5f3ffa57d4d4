from tests.peers.keras_tests.imports import Room

from chainrule import metrics

room = Room("metrics", vars(metrics))
