"""Engines that run the updates of a step, in NumPy or compiled, and compiled functions (`jit`)."""
