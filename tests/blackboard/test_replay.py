"""A recorded run in one file: what it holds, and how large it is."""

import base64
import re
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule._src.blackboard import built, subjects
from chainrule._src.blackboard.frames import decode
from chainrule._src.blackboard.program import digest
from chainrule._src.blackboard.replay import replay_of, spread
from chainrule._src.blackboard.run import ReversibleRun

DATA = subjects.digits()
SMALL = 800_000  # bytes that a run of the lab's network may take, beside the page's module


def content(page, part):
    """Return what a file holds."""
    packed = re.search(f'id="{part}">([^<]*)<', page)[1]
    return zlib.decompress(base64.b64decode(packed), -15)


def messages(page):
    whole, at, found = content(page, "run"), 0, []
    while at < len(whole):
        (size,) = struct.unpack_from("<Q", whole, at)
        found.append(decode(whole[at + 8 : at + 8 + size]))
        at += 8 + size
    return found


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    """Have a module of the page, which is not what these tests are about."""
    path = tmp_path / "blackboard.js"
    path.write_text("const a = '</script>'; export { a as replay };")
    monkeypatch.setattr(built, "MODULE", path)
    return path


def test_a_run_is_there_from_end_to_end(module):
    run = ReversibleRun(subjects.network(DATA))
    run.advance(500)
    before = run.params
    page = replay_of(run, {"anatomy": {"predict": None}})
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert f"script-src &#39;sha256-{digest(script)}&#39; &#39;wasm-unsafe-eval&#39;;" in page
    setup, curves, *frames = messages(page)
    assert setup[0]["anatomy"] == {"predict": None}
    assert setup[0]["settings"]["restart"] == []
    assert curves[1]["update"].tolist() == setup[0]["recorded"]
    assert [header["update"] for header, _ in frames] == setup[0]["recorded"]
    assert frames[0][0]["update"] == 0
    assert frames[-1][0]["update"] == run.head
    for name, p in before.items():
        np.testing.assert_array_equal(run.params[name], p)  # it is where it was
        found = frames[-1][1][f"p:{name}"]
        np.testing.assert_allclose(found, p, rtol=2**-12, atol=1e-30)
    assert len(page) - len(script) < SMALL
    assert not re.search(r"(src|href)=|https?:", page)


@given(st.integers(0, 10**7), st.integers(2, 200))
def test_updates_are_spread_from_the_first_to_the_last(head, count):
    found = spread(head, count)
    assert found == sorted(set(found))
    assert (found[0], found[-1]) == (0, head)
    assert len(found) <= count + 1
