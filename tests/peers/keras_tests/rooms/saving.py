from tests.peers.keras_tests.imports import Room

from chainrule._src.nn.sequential import load_model

room = Room("saving", {"load_model": load_model}, scaffolding=True)
