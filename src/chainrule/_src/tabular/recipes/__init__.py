"""Which network for which table, how good it is, and what it says of other data."""
