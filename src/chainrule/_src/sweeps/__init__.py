"""Many models: which settings to try, trained in one go, kept on disk."""

# The modules that other wings may import; the rest is private to this wing.
DOORS = (
    "dimensions", "result", "sweep", "table",
)  # fmt: skip
