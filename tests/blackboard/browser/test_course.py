"""A page without Python in a browser: what only such a page does."""

import json
import re

import numpy as np
import pytest
from tests.blackboard.browsing import KNOWING, Board, best, hosts, small_course

from chainrule._src.blackboard import site, subjects
from chainrule._src.blackboard.run import ReversibleRun
from chainrule.lab import Lab

alone = hosts("small page")
SLOWER = 4  # a phone's processor, against this one
FIRST = 1.0  # seconds to the first picture there
LARGEST = 1_500_000  # bytes of all lessons


def weights(path):
    """Read the arrays of a file in the safetensors format, of float64."""
    raw = path.read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    entries = json.loads(raw[8:start])
    del entries["__metadata__"]
    parts = {name: [start + at for at in e["data_offsets"]] for name, e in entries.items()}
    return {
        name.removeprefix("weights/"): np.frombuffer(raw[begin:end]).reshape(entries[name]["shape"])
        for name, (begin, end) in parts.items()
    }


def taken(page, what):
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile(f"^{what}")).click()
    return download.value


@alone
def test_what_is_trained_in_the_page_is_what_python_trains(board):
    board.pause()
    for settings in ({}, {"activation": "tanh", "optimizer": "adam"}):
        settings = {"layers": [10], "rate": 0.05, "seed": 4, "init": "glorot_uniform", **settings}
        board.say({"do": "restart", "settings": settings}, {"do": "step", "count": 100})
        board.js("() => until(() => last('frame').update === 100 && !last('frame').playing)")
        board.open("Take")
        found = weights(taken(board.page, "Weights").path())
        run = ReversibleRun(subjects.network(subjects.digits(), settings))
        while run.place.update < 100:
            run.advance(100 - run.place.update)
        assert found.keys() == run.params.keys()
        for name, p in run.params.items():
            np.testing.assert_allclose(found[name], p, rtol=1e-5, atol=1e-8)
    board.say({"do": "restart", "settings": {**KNOWING, "layers": [10], "activation": "sigmoid"}})


@pytest.mark.thorough  # a page more
@alone
def test_another_lesson_is_chosen_and_stays_over_a_reload(board):
    lessons = board.page.get_by_label("Lesson")
    lessons.select_option("wine")
    board.js("() => until(() => last('setup').lesson === 'wine')")
    board.button("+10 updates").click()
    board.js("() => until(() => last('frame').update === 10 && !last('frame').playing)")
    board.page.reload()
    board.js("() => until(() => last('setup')?.lesson === 'wine' && last('frame')?.update === 10)")
    board.page.keyboard.press("n")
    assert board.page.get_by_label("Hidden layers").locator("option").all_inner_texts() == ["none"]
    board.page.keyboard.press("Escape")
    lessons.select_option("lab")
    board.js("() => until(() => last('setup').lesson === 'lab')")


@pytest.mark.thorough  # a page more
@alone
def test_the_page_gives_itself_away_with_its_run(board, context, tmp_path):
    board.pause()
    board.say({"do": "set", "rate": 0.2}, {"do": "step", "count": 60})
    board.js("() => until(() => last('frame').settings.rate === 0.2 && !last('frame').playing)")
    board.open("Take")
    there = board.frame()
    path = tmp_path / "given.html"
    taken(board.page, "Replay").save_as(path)
    other = Board(context, path.as_uri())
    other.js(f"() => until(() => last('frame')?.update === {there['update']})")
    again = other.frame()
    for name in ("update", "head", "held_loss", "settings", "epochs"):
        assert again[name] == there[name], name
    other.train()
    other.at(there["update"] + 1)
    assert other.problems == []


@pytest.mark.thorough  # a whole training
def test_the_page_of_the_lab_repeats_the_lab_s_training(context, tmp_path):
    result = Lab(quick=True, log=lambda line: None).run("hidden-layer")
    path = tmp_path / "lab.html"
    path.write_text(site.lab_page(result), encoding="utf-8")
    board = Board(context, path.as_uri())
    for epoch, accuracy in zip(result.history.epoch, result.history.val_accuracy, strict=True):
        board.js(f"() => until(() => last('frame')?.epochs === {epoch})")
        assert board.frame()["held_accuracy"] == pytest.approx(accuracy, abs=1e-9)
        if epoch < result.history.epoch[-1]:
            board.page.keyboard.press("e")
    board.open("Take")
    found = weights(taken(board.page, "Weights").path())
    for name, p in result.model.parameters.items():  # the lab's samples have float32
        assert np.abs(found[name] - p).max() < 1e-3 * np.abs(p).max()


@hosts("served", "recorded", "page")
def test_no_text_becomes_code_in_the_page(board):
    for text in ("eval('1')", "new Function('return 1')()"):
        refused = board.js(
            f"""() => new Promise((done) => setTimeout(() => {{
              try {{ done({text}); }} catch (error) {{ done(`${{error}}`); }}
            }}))"""
        )
        assert "EvalError" in str(refused)
    failed = board.js(
        """() => new Promise((done) => {
          const script = document.createElement("script");
          script.textContent = "window.ran = 1";
          document.head.append(script);
          done(window.ran ? "ran" : "refused");
        })"""
    )
    assert failed == "refused"
    assert all("Content Security Policy" in problem for problem in board.problems)
    board.problems.clear()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A course in a folder."""
    path = tmp_path_factory.mktemp("site") / "course"
    site.write_course(small_course(whole=False), path, single=False)
    return path


@pytest.mark.thorough  # a page more
def test_a_folder_is_opened_from_the_disk(folder, context):
    board = Board(context, (folder / "index.html").as_uri())
    board.page.get_by_label("Lesson").select_option("wine")
    board.js("() => until(() => last('setup')?.lesson === 'wine')")
    board.train()
    board.at(1)
    place = folder.as_uri()
    assert {url.removeprefix(place) for url in board.requested} >= {"/index.html", "/blackboard.js"}
    assert all(url.startswith(place) for url in board.requested)
    (folder / "packs" / "digits.js").unlink()
    board.visit((folder / "index.html").as_uri())
    board.page.get_by_text("the file packs/digits.js is missing beside this page").wait_for()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The course with all lessons, in a folder and as one file."""
    path = tmp_path_factory.mktemp("whole")
    course = site.course_of("digits", None, "network", lambda text: None)
    site.write_course(course, path / "course", single=False)
    site.write_course(course, path / "course.html", single=True)
    return path


@pytest.mark.thorough  # all kernels of all lessons
def test_all_lessons_are_small(whole):
    for files in ([whole / "course.html"], [*(whole / "course").rglob("*.*")]):
        assert sum(file.stat().st_size for file in files) <= LARGEST
        # A browser reads ASCII six times as fast, and keeps it in half of the memory.
        assert all(file.read_bytes().isascii() for file in files)


@pytest.mark.thorough
@pytest.mark.parametrize("file", ["course.html", "course/index.html"])
def test_the_first_picture_is_there_soon_on_a_slow_phone(whole, file, chrome):
    def seconds():
        context = chrome.new_context(viewport={"width": 390, "height": 720})
        page = context.new_page()
        line = context.new_cdp_session(page)
        line.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        page.add_init_script(
            """new MutationObserver((_, watch) => {
              if (document.querySelectorAll(".cb-page canvas").length < 3) return;
              watch.disconnect();
              requestAnimationFrame(() => setTimeout(() => (window.first = performance.now())));
            }).observe(document, { childList: true, subtree: true });"""
        )
        page.goto((whole / file).as_uri(), wait_until="commit")
        page.wait_for_function("() => window.first")
        found = page.evaluate("window.first") / 1000
        context.close()
        return found

    assert best(seconds, FIRST) <= FIRST


TABLE = "length;width;colour;kind\n" + "".join(
    f"{i % 13},5;{i % 7};{('red', 'green')[i % 2]};{('a', 'b', 'c')[i % 3]}\n" for i in range(90)
)


@pytest.mark.thorough
def test_a_table_of_one_s_own_is_dropped_and_learned(whole, context, tmp_path):
    board = Board(context, (whole / "course.html").as_uri())
    board.frame()
    drop = """([name, text]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], name));
      document.querySelector(".cb-page").dispatchEvent(
        new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }"""
    board.button("Your own table").wait_for()
    board.js(drop, ["mine.csv", TABLE])
    board.js("() => until(() => last('setup').data.name === 'mine.csv')")
    setup = board.js("last('setup')")
    assert setup["data"]["classes"] == ["a", "b", "c"]
    assert setup["data"]["features"] == ["length", "width", "colour=green", "colour=red"]
    board.button("+10 updates").click()
    board.at(10)
    for panel in ("Microscope", "Draw", "Mistakes", "Take"):
        board.open(panel)
        board.settle()
    board.js(drop, ["none.csv", "a,b\n"])
    board.page.get_by_text("none.csv: the table has 0 rows").wait_for()
    assert board.js("last('setup')")["data"]["name"] == "mine.csv"
    file = tmp_path / "chosen.csv"
    file.write_text(TABLE.replace(",5", ",25"))
    board.button("Your own table").click()
    board.page.get_by_label("Predict the column").select_option("length")
    board.js("() => until(() => last('setup').data.classes === null)")
    if not board.page.locator(".cb-own").is_visible():
        board.button("Your own table").click()
    board.page.locator(".cb-own input[type=file]").set_input_files(file)
    board.js("() => until(() => last('setup').data.name === 'chosen.csv')")
    board.page.reload()
    board.js("() => until(() => last('setup')?.data.name === 'chosen.csv')")
    assert board.problems == []
