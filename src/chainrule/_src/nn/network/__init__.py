"""A stack of layers: structure, loss and metrics, training, prediction, and files."""
