"""Programs that are valid for any batch size; recurrences (`scan`) and `vmap` in programs."""

# The modules that other wings may import; the rest is private to this wing.
DOORS = (
    "arguments", "batch", "batching.vmap", "keys", "passes", "recurrence",
    "recurrence.primitives", "recurrence.summing", "recurrence.unrolling", "tracing",
)  # fmt: skip
