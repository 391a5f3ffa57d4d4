"""A browser that looks at the command's page, where there is one."""

import pytest
from tests.blackboard.browsing import Board, browser, command


@pytest.fixture(scope="module")
def chrome():
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def address(chrome):
    with command() as told:
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
