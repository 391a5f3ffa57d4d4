"""The bounds of `words` only fall."""

import pytest

from tests import words

BOUNDS = {"riddles": 0, "pronouns": 3, "vague_names": 40, "double_classes": 2}


@pytest.mark.parametrize("count", BOUNDS)
def test_what_is_hard_to_read_becomes_less(count):
    assert len(getattr(words, count)()) <= BOUNDS[count]
