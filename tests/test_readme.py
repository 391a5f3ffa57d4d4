"""What the README shows is what comes out; its examples run as doctests as well."""

import doctest
import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_text_shown_is_the_text_written():
    text = README.read_text(encoding="utf-8")
    shown = re.search(r"This is the text:\n\n```python\n(.*?)```", text, flags=re.DOTALL)
    space = {}
    for example in doctest.DocTestParser().get_examples(text):
        exec(example.source, space)
        if "text" in space:
            break
    assert shown is not None
    assert shown[1].rstrip() == space["text"].rstrip()
