"""The address on its way to the browser: the browser goes in by a file, reloads and comes again."""

import re

import pytest
from tests.blackboard.browsing import WAIT, Board
from tests.blackboard.test_handover import ADDRESS, blackboard, eventually, folder, pytestmark

__all__ = ["folder", "pytestmark"]


@pytest.mark.thorough  # test_handover.py has it without a browser
def test_a_browser_goes_in_by_the_file_reloads_and_comes_again_in_other_tabs(context, folder):
    with blackboard(folder) as process:
        printed = ADDRESS.search(process.stdout.readline())[0]
        eventually((folder / "arguments").exists)
        file = re.search(r"file://\S+", (folder / "arguments").read_text())[0]
        board = Board(context, file)
        board.page.wait_for_url("http://127.0.0.1:*/**", timeout=WAIT)
        board.page.wait_for_selector("canvas")
        assert "token" not in board.page.url
        assert board.page.evaluate("history.length") <= 2  # the file is not behind it
        board.page.reload()
        board.page.wait_for_selector("canvas")
        other = Board(context, board.page.url)
        other.page.wait_for_selector("canvas")
        again = Board(context, printed)
        again.page.wait_for_selector("canvas")
        assert board.problems + other.problems + again.problems == []
        context.route(
            "http://mail.example/",
            lambda route: route.fulfill(
                body=f'<link rel="icon" href="data:,"><a href="{printed}">the blackboard</a>',
                content_type="text/html",
            ),
        )
        link = Board(context, "http://mail.example/")
        link.page.get_by_role("link").click()
        link.page.wait_for_selector("canvas")
