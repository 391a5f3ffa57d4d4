"""Programs as text that a person reads."""
