"""A learner's own file in a browser: what is said of it at every save."""

from pathlib import Path

import pytest
from tests.blackboard.browsing import Board, command

TEXT = (Path(__file__).parents[1] / "mylab.py").read_text(encoding="utf-8")
RIGHT = TEXT[: TEXT.index("    d_z = forward")] + TEXT[TEXT.index("    d_h = d_z") :]  # no writing
ERROR = "    d_z = (forward(params, X) - cr.one_hot(3, y)) / len(y)\n"
RIGHT = RIGHT.replace("    d_h = d_z", f"{ERROR}    d_h = d_z")
RIGHT = "import chainrule as cr\n" + RIGHT
WRONG = RIGHT.replace("(1 - h**2)", "(1 - h)")


@pytest.mark.thorough  # test_apart.py has it without a browser
def test_a_file_is_shown_checked_and_trained_from_save_to_save(context, tmp_path):
    path = tmp_path / "mylab.py"
    path.write_text("import numpy as np\nparams = {'W': np.zeros((64, 10)}\n", encoding="utf-8")
    with command("--model", str(path)) as address:
        board = Board(context, address)
        state = board.page.get_by_role("status").filter(has_text="it does not run")
        state.wait_for()
        assert "SyntaxError" in board.page.inner_text(".cb-report")
        assert board.page.locator(".cb-alert").count() == 0
        path.write_text(WRONG, encoding="utf-8")
        board.button("Play").click()
        board.at(5)
        assert board.frame()["playing"]
        board.page.locator('[data-panel="code"]').click()
        board.page.get_by_text("the gradient is wrong").wait_for()
        marked = board.page.locator(".cb-source-marked")
        assert "d_a = d_h * (1 - h)" in marked.inner_text()
        assert "d_a = d_h * (1 - h ** 2)" in marked.inner_text()
        path.write_text(RIGHT, encoding="utf-8")
        board.page.get_by_text("the gradient is right").wait_for()
        board.at(1)
        assert board.problems == []
