"""A browser, and the blackboard's command for it to look at."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from chainrule._src.blackboard import built, subjects
from chainrule._src.blackboard.course import Course, Lesson
from chainrule._src.blackboard.opening import anatomy_of
from chainrule._src.blackboard.program import digest
from chainrule._src.blackboard.replay import replay_of
from chainrule._src.blackboard.run import ReversibleRun
from chainrule._src.blackboard.site import single_page

WAIT = 10_000  # milliseconds
ADDRESS = r"http://127.0.0.1:\d+/\?token=\S+"
KNOWING, KNOWN = {"rate": 0.5, "momentum": 0.9}, 300  # a run that knows most digits, and when
# What a recorded run cannot do, by the control that it lacks: the page reads the same table.
RECORDED = json.loads((Path(__file__).parents[2] / "blackboard-web/src/recorded.json").read_text())
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-default-apps",
]  # fmt: skip
# Notes the header of each message that the page reads, with the time, whichever host it has. A file
# reads all frames that it holds before there is a page. Nothing is kept of the visit before.
NOTE = """
const [{ type: how }] = performance.getEntriesByType("navigation");
if (how === "navigate" && location.protocol === "http:") sessionStorage.clear();
window.told = [];
window.sockets = [];
const parse = JSON.parse;
JSON.parse = (...given) => {
  const header = parse(...given);
  if (typeof header?.type !== "string" || !document.querySelector(".cb-root")) return header;
  if (told.length > 4000) told.splice(0, 2000);
  told.push({ ...header, at: performance.now() });
  return header;
};
window.last = (type) => told.findLast((each) => each.type === type);
window.until = async (there) => {
  const began = performance.now();
  while (!there()) {
    if (performance.now() - began > 10000) throw new Error(`never: ${there}`);
    await new Promise(requestAnimationFrame);
  }
  const now = performance.now();
  // The page takes messages once an animation frame: what follows finds it as it is told.
  for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
  return now;
};
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    sockets.push(this);
  }
};
"""


def tiered(first, *others):
    """Return hosts as parameters. The page is the same in all: the test is quick in the first."""
    return [first, *(pytest.param(other, marks=pytest.mark.thorough) for other in others)]


def hosts(*names):
    """Have a test run in these hosts alone: the page is the same, messages go another way."""
    return pytest.mark.parametrize("address", tiered(*names), indirect=True)


served, trains = hosts("served"), hosts("served", "page", "notebook")
anew = pytest.mark.usefixtures("fresh_page")


def needs(ability, *names):
    """Have a test run where there is something that a recorded run lacks: in these hosts."""
    assert ability in RECORDED
    return hosts(*names or ("served", "page", "notebook"))


def slowdown():
    """Return how many times longer things take now than on a machine that does nothing else."""
    clock, used = time.perf_counter(), time.process_time()
    while time.process_time() - used < 0.05:
        pass
    return (time.perf_counter() - clock) / 0.05


def best(measure, limit, tries=8):
    """Return the best of several measurements, seen against what else the machine does.

    It is the first that is within the limit, if there is one.
    """
    found = []
    while not found or (min(found) >= limit and len(found) < tries):
        before = slowdown()
        found.append(measure() / max(before, slowdown()))
    return min(found)


PROGRAMS = {
    "Chromium": ("chromium", "chromium-browser", "google-chrome"),
    "Firefox": ("firefox-esr", "firefox"),
}


def installed(browser):
    """Return the path of a browser, or skip."""
    for name in PROGRAMS[browser]:
        if path := shutil.which(name):
            return path
    return pytest.skip(f"{browser} is not installed")


@contextmanager
def browser():
    """Start a browser, or skip where something is missing."""
    playwright = pytest.importorskip("playwright.sync_api")
    if not built.MODULE.exists():
        pytest.skip("the blackboard's page is not built: make page")
    path = installed("Chromium")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@contextmanager
def command(*arguments, verb=("blackboard",)):
    """Run a verb that serves a page until Ctrl-C; yields its address once it is told."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # heard in the child, too
    process = subprocess.Popen(
        [sys.executable, "-m", "chainrule", *verb, "--no-browser", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0,
    )  # fmt: skip
    signal.signal(signal.SIGINT, before)
    try:
        lines = iter(process.stdout.readline, "")
        yield next(filter(None, (re.search(ADDRESS, line) for line in lines)))[0]
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert [line[:17] for line in said.splitlines()] == ["Stopped by Ctrl-C"], said


@contextmanager
def recording():
    """Record a run in a file; yields its address."""
    run = ReversibleRun(subjects.network(subjects.digits(), KNOWING))
    while run.place.update < KNOWN:  # as far as it goes at once
        run.advance(KNOWN - run.place.update)
    more = {"anatomy": anatomy_of(run.subject), "mistakes": [], "scenes": []}
    with TemporaryDirectory() as folder:
        file = Path(folder) / "run.html"
        file.write_text(replay_of(run, more), encoding="utf-8")
        yield file.as_uri()


@cache
def small_course(whole=True):
    """Return a course of the lab's networks that tests look at.

    In the whole one, networks have other layers, too, and mistakes: more than half of its kernels.
    """
    layers, broken = (([], [10]), ["10 sigmoid"]) if whole else ([[10]], [])
    subject = subjects.network(subjects.digits())
    lesson = Lesson("lab", "The lab's network", subject, layers, ("sigmoid", "tanh"), broken)
    wine = subjects.network(subjects.table("wine"), {"layers": []})
    other = Lesson("wine", "Wine", wine, [[]], optimizers=("sgd",))
    return Course.of([lesson, other], lambda text: None)


@contextmanager
def page(whole=True):
    """Write a page that trains without Python; yields its address.

    Its host is `window.host`, which no page needs: so the script's hash is another.
    """
    text = single_page(small_course(whole))
    script = re.search(r"<script>(\(\(\) =>.*?)</script>", text, re.DOTALL)[1]
    known = re.sub(r"\n(\w+\(\{\"notices\")", r"\nwindow.host = \1", script)
    assert known != script
    for old, new in ((script, known), (digest(script), digest(known))):
        text = text.replace(old, new)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "course.html"
        file.write_text(text, encoding="utf-8")
        yield file.as_uri()


class Board:
    """A page of the blackboard.

    Attributes
    ----------
    requested, problems : list of str
        Addresses that the page asked for; what went wrong in it.
    """

    def __init__(self, context, address):
        self.requested, self.problems = [], []
        self.page = context.new_page()
        self.page.set_default_timeout(WAIT)
        self.page.add_init_script(NOTE)
        self.page.on("request", lambda request: self.requested.append(request.url))
        self.page.on("websocket", lambda socket: self.requested.append(socket.url))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on(
            "console", lambda m: self.problems.append(m.text) if m.type == "error" else None
        )
        self.visit(address)

    def visit(self, address):
        """Go there from wherever the page is."""
        self.requested.clear()
        self.problems.clear()
        self.address = address
        self.page.goto(address)

    def js(self, text, given=None):
        """Return what an expression is worth in the page."""
        return self.page.evaluate(text, given)

    @property
    def recorded(self):
        return self.address.endswith("run.html")

    def open(self, panel):
        """Open a panel by its name."""
        self.page.get_by_role("tab", name=panel, exact=True).click()

    def settle(self):
        """Wait until what was done is drawn."""
        self.js("() => new Promise((r) => requestAnimationFrame(() => setTimeout(r, 20)))")

    def control(self, role, name):
        return self.page.get_by_role(role, name=name, exact=True)

    def button(self, name):
        return self.page.get_by_role("button", name=name, exact=True)

    def frame(self):
        """Return the newest frame's header, once there is one."""
        return self.js("async () => { await until(() => last('frame')); return last('frame'); }")

    def at(self, update):
        """Wait for a frame of an update, or of a later one."""
        self.js(f"() => until(() => last('frame')?.update >= {update})")

    def train(self):
        """See to it that training runs, or did until what it is to stop at."""
        before = self.frame()
        if not before["playing"]:
            self.button("Train").click()
        self.js(
            f"() => until(() => last('frame').playing || last('frame').head > {before['head']})"
        )

    def pause(self):
        """See to it that training does not run.

        It may stop by itself meanwhile, and the button be gone; or have been asked to go on before.
        What was begun when it stopped comes as one more frame.
        """
        until, stands = time.monotonic() + WAIT / 1000, None
        while (frame := self.frame())["playing"] or frame["update"] != stands:
            assert time.monotonic() < until, "training goes on"
            stands = frame["update"]
            self.button("Pause").evaluate_all("(found) => found.forEach((each) => each.click())")
            self.settle()

    def full_speed(self):
        self.page.get_by_label("Speed").select_option("null")
        self.train()

    def seconds_a_frame(self):
        """Return how long a frame of another update takes to come, watched for half a second."""
        return 0.5 / self.js(
            """async () => {
              const began = performance.now();
              await until(() => performance.now() - began > 500);
              const seen = told.filter(({ type, at }) => type === "frame" && at > began);
              return new Set(seen.map(({ update }) => update)).size;
            }"""
        )

    def say(self, *messages):
        """Say something that the page itself would not: messages, or text that is none."""
        texts = [each if isinstance(each, str) else json.dumps(each) for each in messages]
        self.js(
            """(texts) => texts.forEach((text) =>
                 window.host ? host.send(JSON.parse(text)) : sockets.at(-1).send(text))""", texts,
        )  # fmt: skip
