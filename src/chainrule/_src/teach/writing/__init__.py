"""Tools for writing labs: a first source, the check of a source, and a generated course."""
