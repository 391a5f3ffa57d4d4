"""Read tables, turn their columns into features, and store arrays in files."""
