"""What the tests of files are made of: documents, and files written byte by byte."""

import json

from hypothesis import strategies as st

METADATA = {"format": "chainrule", "version": "1", "kind": "model", "document": "{}"}

TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(["$", "$float", "$$x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**130), 2**130) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
)
DOCUMENTS = st.dictionaries(TEXTS, VALUES, max_size=5)


def file_of(table, data=b""):
    """Return the bytes of a safetensors file with a header as it stands."""
    text = table if isinstance(table, bytes) else json.dumps(table, ensure_ascii=False).encode()
    return len(text).to_bytes(8, "little") + text + data
