"""The bounds of `words` only fall."""

import pytest

from tests import words

BOUNDS = {"riddles": 877, "pronouns": 446, "vague_names": 1970, "double_classes": 91}


@pytest.mark.parametrize("count", BOUNDS)
def test_what_is_hard_to_read_becomes_less(count):
    assert len(getattr(words, count)()) <= BOUNDS[count]
