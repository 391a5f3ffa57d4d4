"""The lab's report and the replay inside it, in a browser."""

import pytest
from tests.blackboard.browsing import WAIT
from typer.testing import CliRunner

from chainrule._src.cli.app import app

FIRST_SCREEN = 720  # pixels
DRAWN = """() => [...document.querySelectorAll("canvas")].filter((canvas) => {
  const { width, height } = canvas;
  if (!width || !height) return false;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  return new Set(new Uint32Array(data.buffer)).size > 2;
}).length"""

UPDATE = """() => Number(document.querySelector('input[aria-label="Update shown"]').value)"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A report that the command wrote."""
    path = tmp_path_factory.mktemp("lab") / "report.html"
    done = CliRunner().invoke(app, ["lab", "--quick", "hidden-layer", "--report", str(path)])
    assert done.exit_code == 0, done.output
    return path.as_uri()


@pytest.fixture
def problems(context):
    """The errors of all pages of the context."""
    found = []
    context.on("weberror", lambda error: found.append(str(error.error)))
    context.on("console", lambda line: found.append(line.text) if line.type == "error" else None)
    return found


@pytest.mark.thorough  # one more page
def test_the_report_leads_to_a_replay_of_its_training_which_trains_on(
    chrome, context, problems, address
):
    report = context.new_page()
    report.set_default_timeout(WAIT)
    report.goto(address)
    link = report.get_by_role("link", name="replay")
    assert link.bounding_box()["y"] < FIRST_SCREEN
    with context.expect_page() as opened:
        link.click()
    replay = opened.value
    replay.set_default_timeout(WAIT)
    replay.get_by_role("button", name="One update", exact=True).wait_for()
    replay.wait_for_function(f"() => ({DRAWN})() > 3")
    for panel in replay.get_by_role("tab").all():
        panel.click()
        replay.get_by_role("tabpanel").wait_for()
    replay.keyboard.press("0")
    end = int(replay.get_by_role("slider", name="Update shown").get_attribute("max"))
    replay.keyboard.press("End")
    replay.wait_for_function(f"() => ({UPDATE})() === {end}")
    replay.get_by_role("button", name="One update", exact=True).click()
    replay.wait_for_function(f"() => ({UPDATE})() === {end + 1}")
    assert problems == []
