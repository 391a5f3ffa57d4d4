"""Layers, losses, optimizers, training: networks."""

# The modules that other wings may import; the rest is private to this wing.
DOORS = (
    "activations", "callbacks", "callbacks.callback", "callbacks.monitor", "callbacks.progress",
    "functions", "initializers", "layers", "layers.surroundings", "layers.symbols",
    "layers.tracking", "layers.weights", "losses", "metrics", "network.compiled",
    "network.conditions", "network.contents", "network.forward", "network.graphed",
    "network.inputs", "network.network", "network.objective", "network.outputs", "network.packing",
    "network.runs", "network.saving", "network.unchanged", "optimizers", "regularizers",
    "schedules", "sequential", "sequential.model", "training.minimize", "training.source",
    "training.supply", "training.trainer",
)  # fmt: skip
