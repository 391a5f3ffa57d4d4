"""A browser that looks at the page, served by the command or in a cell of a notebook."""

import pytest
from tests.blackboard.browsing import Board, browser, command
from tests.blackboard.notebook import notebook

HOSTS = {"served": command, "notebook": notebook}


@pytest.fixture(scope="module")
def chrome():
    with browser() as started:
        yield started


@pytest.fixture(scope="module", params=HOSTS)
def address(request, chrome):
    """The page's address, in each host that trains."""
    with HOSTS[request.param]() as told:
        yield told


@pytest.fixture
def context(chrome):
    made = chrome.new_context(viewport={"width": 1280, "height": 720})
    yield made
    made.close()


@pytest.fixture
def board(context, address):
    opened = Board(context, address)
    opened.frame()
    yield opened
    assert opened.problems == []
