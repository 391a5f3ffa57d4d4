"""Read tables, turn their columns into features, and store arrays in files."""

# The modules that other wings may import; the rest is private to this wing.
DOORS = (
    "datasets", "preprocessing", "preprocessing.calendar", "preprocessing.columns",
    "preprocessing.digests", "preprocessing.fitting", "preprocessing.ranks",
    "preprocessing.splitting", "preprocessing.steps",
    "preprocessing.targets", "preprocessing.values", "preprocessing.words", "storage",
    "storage.document", "storage.files", "storage.tensors", "tables", "tables.arrow",
    "tables.opening", "tables.writing",
)  # fmt: skip
