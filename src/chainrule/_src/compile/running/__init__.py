"""Programs that run: engines of updates, in NumPy or compiled, and functions compiled."""
