"""Wrong gradients in the style of public courses; see `tests.check.collection`."""
