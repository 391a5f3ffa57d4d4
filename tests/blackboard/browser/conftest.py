"""A browser that looks at the page: served by the command, in a cell of a notebook, in
files."""

from functools import partial

import pytest
from tests.blackboard.browsing import Board, browser, command, page, recording, tiered
from tests.blackboard.notebook import notebook

VIEWPORT = {"width": 1280, "height": 720}
HOSTS = {
    "served": command, "notebook": notebook, "recorded": recording, "page": page,
    "small page": partial(page, whole=False),
}  # fmt: skip


@pytest.fixture(scope="package")
def chrome():
    """A browser; its driver has an event loop in this thread, so it ends with these tests."""
    with browser() as started:
        yield started


@pytest.fixture(scope="package")
def visitor(chrome):
    """A page that goes from host to host: another page takes half a second."""
    context = chrome.new_context(viewport=VIEWPORT)
    yield Board(context, "about:blank")
    context.close()


@pytest.fixture(scope="package", params=tiered("served", "notebook", "recorded", "page"))
def address(request, visitor):
    """The page's address in each host; see `browsing.needs` for what a file lacks."""
    with HOSTS[request.param]() as address:
        yield address
        visitor.visit("about:blank")  # nothing looks at a host that ends


@pytest.fixture
def context(chrome):
    made = chrome.new_context(viewport=VIEWPORT)
    yield made
    made.close()


@pytest.fixture
def fresh_page(visitor):
    """See to it that the test's page is one that somebody has just come to."""
    visitor.visit("about:blank")


@pytest.fixture
def board(visitor, address, request):
    """The page at rest, as the test before has left it; after one that failed, a new one."""
    if visitor.address != address:
        visitor.visit(address)
    failures = request.session.testsfailed
    visitor.frame()
    visitor.settle()
    visitor.page.keyboard.press("Escape")
    visitor.page.locator(".cb-root").focus()  # a cell of a notebook hears only its own keys
    yield visitor
    if request.session.testsfailed > failures:
        visitor.visit("about:blank")
    else:
        visitor.pause()  # training would take the processor from the next test
        assert visitor.problems == []
