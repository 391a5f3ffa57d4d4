"""A stack of layers: its structure, objective, training, prediction, and what a file holds."""
