"""The pages that show other libraries beside chainrule, with those that are installed."""

from importlib.util import find_spec

import pytest
from tests.docs.pages import PEERS, blocks, name_of, pages, run

INSTALLED = {peer for peer in PEERS.values() if find_spec(peer)}


@pytest.mark.parametrize(
    "page", [p for p in pages() if {b.peer for b in blocks(p)} & INSTALLED], ids=name_of
)
def test_the_page_runs(page, tmp_path):
    run(page, tmp_path, INSTALLED)
