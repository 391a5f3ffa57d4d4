import json

import numpy as np
import pytest
from hypothesis import given
from tests.data.storage.making import DOCUMENTS

from chainrule._src.data.storage.document import MAX_DEPTH, MAX_VALUES, from_json, to_json
from chainrule.errors import DataError


def refuse(constant):
    raise AssertionError(f"{constant} is not strict JSON")


def nested(depth):
    """Return a document whose innermost value is ``depth`` deep."""
    document = {"x": 0}
    for _ in range(depth - 1):
        document = {"x": document}
    return document


@given(DOCUMENTS)
def test_a_document_comes_back_as_it_was(document):
    assert repr(from_json(to_json(document))) == repr(document)


@given(DOCUMENTS)
def test_what_is_written_is_strict_json(document):
    json.loads(to_json(document), parse_constant=refuse)


def test_numpy_scalars_and_tuples_become_plain():
    document = {"loss": np.float32(0.5), "n": np.int64(3), "ok": np.True_, "shape": (2, 3)}
    read = from_json(to_json(document))
    assert repr(read) == "{'loss': 0.5, 'n': 3, 'ok': True, 'shape': [2, 3]}"


def test_the_state_of_a_generator_comes_back():
    generator = np.random.default_rng(3)
    state = from_json(to_json(generator.bit_generator.state))
    other = np.random.default_rng()
    other.bit_generator.state = state
    assert other.random() == generator.random()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([1], "a document must be a dict"),
        ({"a": [0, {1, 2}]}, r"document\['a'\]\[1\] must be a plain value"),
        ({"W": np.zeros(2)}, "arrays are kept beside the document"),
        ({"f": len}, "must be a plain value"),
        ({"a": {1: 2}}, r"keys of document\['a'\] must be strings, received 1"),
        ({"a": "\udc80"}, r"document\['a'\] holds a string that is no valid Unicode"),
        ({"$\udc80": 1}, "no valid Unicode"),
        ({"n": 10**5000}, "cannot be written"),
        (nested(MAX_DEPTH + 1), "nested over 100 deep"),
    ],
)
def test_what_a_document_cannot_hold_is_refused(document, message):
    with pytest.raises(DataError, match=message):
        to_json(document)


def test_a_document_that_holds_itself_is_refused():
    document = {}
    document["me"] = document
    with pytest.raises(DataError, match="nested over"):
        to_json(document)


def test_a_document_may_be_as_deep_as_the_limit():
    assert from_json(to_json(nested(MAX_DEPTH))) == nested(MAX_DEPTH)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "no JSON object"),
        ('{"$float": "nan"}', "no JSON object"),
        ("{", "its JSON is broken"),
        ('{"a": NaN}', "holds NaN"),
        ('{"a": -Infinity}', "holds -Infinity"),
        ('{"a": 1e999}', "too large"),
        ('{"a": 1, "a": 2}', "a key twice"),
        ('{"a": {"$float": "1.5"}}', "which is no number"),
        ('{"a": {"$float": [1]}}', "which is no number"),
        ('{"a": {"$float": "nan", "b": 1}}', "which is no number"),
        ('{"a": {"$b": 1, "b": 1}}', "which is no number"),
        ('{"a": "\\ud800"}', "no valid Unicode"),
        ('{"\\ud800": 1}', "no valid Unicode"),
        ('{"a": %s}' % ("1" * 5000), "its JSON is broken"),
        ('{"a": "\n"}', "its JSON is broken"),
        (json.dumps(nested(MAX_DEPTH + 1)), "nested over"),
        ('{"a": ' * 100_000, "nested over"),
        ('{"a": ' + "[" * 100_000, "nested over"),
        ('{"a": [' + "0," * MAX_VALUES + "0]}", "over 1,000,000 values"),
    ],
)
def test_what_is_no_document_of_ours_is_refused(text, message):
    with pytest.raises(DataError, match=message):
        from_json(text)
