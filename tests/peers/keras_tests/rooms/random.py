"""Generators are NumPy's."""

import numpy as np
from tests.peers.keras_tests.imports import Room

room = Room("random", {"SeedGenerator": np.random.default_rng}, scaffolding=True)
