"""A browser that looks at the page: served by the command, in a cell of a notebook, in a file."""

import pytest
from tests.blackboard.browsing import Board, browser, command, recording
from tests.blackboard.notebook import notebook

HOSTS = {"served": command, "notebook": notebook, "recorded": recording}


@pytest.fixture(scope="module")
def chrome():
    """A browser; its driver has an event loop in this thread, so it ends with the module."""
    with browser() as started:
        yield started


@pytest.fixture(scope="module", params=HOSTS)
def address(request, chrome):
    """The page's address in each host; see `browsing.needs` for what a file lacks."""
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
    opened.settle()
    opened.page.locator(".cb-root").focus()  # a cell of a notebook hears only its own keys
    yield opened
    assert opened.problems == []
