"""How many examples Hypothesis draws: few in `make test`, and many of the same in `make fuzz`."""

from hypothesis import settings


def draws(few):
    """Return settings for few examples, or for four times as many and at least 100."""
    is_fuzz = not settings.default.derandomize
    return settings(max_examples=max(4 * few, 100) if is_fuzz else few)
