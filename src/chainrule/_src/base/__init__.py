"""Errors, the console, checks of input, names of classes: every wing stands on these."""
