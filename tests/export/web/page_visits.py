"""A browser that looks at exported pages, from disk."""

from contextlib import contextmanager

import pytest
from tests.blackboard.browsing import FLAGS, WAIT, installed


@contextmanager
def browser():
    """Start a browser, or skip where something is missing."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = installed("Chromium")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


class Visit:
    """A page that is opened from disk.

    Attributes
    ----------
    requested, problems : list of str
        Addresses that the page asked for, apart from itself; errors in it.
    """

    def __init__(self, context, path):
        self.requested, self.problems = [], []
        self.page = context.new_page()
        self.page.set_default_timeout(WAIT)
        self.page.on("request", self._request)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on(
            "console", lambda m: self.problems.append(m.text) if m.type == "error" else None
        )
        self.address = path.as_uri()
        self.page.goto(self.address)

    def _request(self, request):
        if request.url != self.address and not request.url.startswith("blob:"):
            self.requested.append(request.url)

    def settle(self):
        """Wait until prediction and reasons are those of the input."""
        self.page.locator("#result[aria-busy=false]").wait_for()
        return self

    def js(self, text, given=None):
        return self.page.evaluate(text, given)

    def button(self, name):
        return self.page.get_by_role("button", name=name, exact=True)

    def text(self, id_):
        return self.page.locator(f"#{id_}").inner_text()

    @property
    def shares(self):
        """The probabilities of the classes, as the bars are drawn."""
        widths = self.js("[...document.querySelectorAll('#bars .bar')].map(b => b.style.width)")
        return [float(width.rstrip("%")) / 100 for width in widths]

    @property
    def values(self):
        """The values that the controls hold."""
        return self.js(
            "[...document.querySelectorAll('#controls > *')].map(({ control: { value } }) =>"
            " ArrayBuffer.isView(value) ? [...value] : value)"
        )

    @property
    def map(self):
        """The reasons of a picture or a sequence, a number for each of its numbers."""
        return self.js("[...document.querySelector('figure.reason').reasons]")

    @property
    def reasons(self):
        """The reasons of a table, by their texts."""
        rows = self.js(
            "[...document.querySelectorAll('.reasons li')].map((li) =>"
            " [li.querySelector('.what').textContent, li.reason])"
        )
        return dict(rows)

    def train(self):
        """Train, and wait for the end."""
        self.button("Train").click()
        self.page.locator(".status", has_text="Trained for").wait_for()
        return self.settle()
