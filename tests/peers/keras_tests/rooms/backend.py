from tests.peers.keras_tests.imports import Room
from tests.peers.keras_tests.rooms import random

room = Room("backend", {"random": random.room}, scaffolding=True)
