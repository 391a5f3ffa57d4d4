"""A browser that looks at the page: served by the command, in a cell of a notebook, in a file."""

import pytest
from tests.blackboard.browsing import Board, browser, command, recording
from tests.blackboard.notebook import notebook

VIEWPORT = {"width": 1280, "height": 720}
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


@pytest.fixture(scope="module")
def visitor(chrome, address):
    """A page that goes to a host again for every test: another page takes half a second."""
    made = chrome.new_context(viewport=VIEWPORT)
    yield Board(made, address)
    made.close()


@pytest.fixture
def context(chrome):
    made = chrome.new_context(viewport=VIEWPORT)
    yield made
    made.close()


@pytest.fixture
def board(visitor, address):
    visitor.visit(address)
    visitor.frame()
    visitor.settle()
    visitor.page.locator(".cb-root").focus()  # a cell of a notebook hears only its own keys
    yield visitor
    visitor.pause()  # training would take the processor from the next test
    assert visitor.problems == []
