"""The search finds, for what people ask, the page that answers it; a keyboard is enough for it."""

import tomllib

import pytest
from tests.base import ROOT
from tests.blackboard.browser.test_reach import AXE, VIOLATIONS
from tests.docs.test_reach import RULES

pytestmark = pytest.mark.thorough  # they need the whole site

QUESTIONS = tomllib.loads((ROOT / "docs/questions.toml").read_text(encoding="utf-8"))["question"]
FIRST = 3
ASK = (
    """async ([bundle, questions]) => {
  const search = await import(`${bundle}pagefind.js`);
  const first = [];
  for (const question of questions) {
    const { results } = await search.search(question);
    const hits = await Promise.all(results.slice(0, %d).map((result) => result.data()));
    first.push(hits.map((hit) => hit.url));
  }
  return first;
}"""
    % FIRST
)


@pytest.fixture(scope="module")
def page(chrome, address):
    page = chrome.new_page(viewport={"width": 1280, "height": 720})
    page.goto(address + "index.html")
    yield page
    page.close()


def test_the_page_of_each_question_is_among_the_first_hits(page, address):
    asked = [question["ask"] for question in QUESTIONS]
    hits = page.evaluate(ASK, [f"{address}pagefind/", asked])
    missed = {
        question["ask"]: urls
        for question, urls in zip(QUESTIONS, hits, strict=True)
        if not any(f"/{question['page']}.html" in url for url in urls)
    }
    assert missed == {}


def test_a_keyboard_opens_the_search_and_follows_a_hit(page):
    page.keyboard.press("Control+k")
    page.locator("pagefind-modal input").wait_for()
    page.keyboard.type("freeze layers")
    page.locator("pagefind-results a").first.wait_for()
    if AXE.exists():
        page.evaluate(AXE.read_text(encoding="utf-8"))
        assert page.evaluate(VIOLATIONS, RULES) == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/guides/freeze-layers.html*")


def test_from_a_folder_the_search_is_sphinx_s(chrome, site):
    page = chrome.new_page()
    page.goto((site / "index.html").as_uri())
    page.keyboard.press("Control+k")
    page.wait_for_url("**/search.html")
    page.locator("main input[type=search]").fill("freeze layers")
    page.keyboard.press("Enter")
    page.locator("#search-results a[href*='guides/freeze-layers.html']").first.wait_for()
    page.close()
