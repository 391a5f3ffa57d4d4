"""Many models: which settings to try, trained in one go, kept on disk."""
