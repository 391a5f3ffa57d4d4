"""Take the pictures of the blackboard, with Chromium: `make pictures`."""

import io
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parent / "images"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
PANELS = ("microscope", "draw", "predictions", "guess", "break", "code", "scenes", "take")
EPOCHS = 12  # before the pictures are taken: the network waits at update 0
WIDE, NARROW = (1280, 720), (360, 740)
STROKE = [(0.3, 0.25), (0.5, 0.15), (0.7, 0.3), (0.6, 0.5), (0.35, 0.75), (0.3, 0.85), (0.75, 0.85)]


@contextmanager
def blackboard() -> Iterator[Iterator[str]]:
    """Start the blackboard; yields addresses, each for one browser."""
    command = [sys.executable, "-m", "chainrule", "blackboard", "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield (found[0] for line in process.stdout if (found := re.search(r"http://\S+", line)))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def shot(page: Any) -> Image.Image:
    """Return what is on the screen."""
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def save(image: Image.Image, name: str) -> None:
    """Write a picture of few colours, as these pages have."""
    path = IMAGES / name
    path.parent.mkdir(exist_ok=True)
    image.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path)


def draw_two(page: Any) -> None:
    """Draw a 2 on the pad."""
    box = page.locator(".cb-pad canvas").bounding_box()
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in STROKE]
    page.mouse.move(*points[0])
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(x, y, steps=6)
    page.mouse.up()


def panels(browser: Any, address: str, scheme: str, size: tuple[int, int], mark: str) -> None:
    """Take a picture of every panel."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme
    )
    page = context.new_page()
    page.goto(address)
    page.wait_for_timeout(1500)
    for _ in range(EPOCHS):
        page.keyboard.press("e")
    page.wait_for_timeout(2500)
    save(shot(page), f"blackboard/network-{mark}.png")
    for number, panel in enumerate(PANELS, start=1):
        page.keyboard.press(str(number))
        page.wait_for_timeout(700)
        if panel == "draw":
            draw_two(page)
            page.wait_for_timeout(300)
        save(shot(page), f"blackboard/{panel}-{mark}.png")
    context.close()


def film(browser: Any, address: str) -> None:
    """Take the short film of the README: training, a step back, a number opened."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, color_scheme="light")
    page = context.new_page()
    page.goto(address)
    page.wait_for_timeout(1000)
    frames: list[Image.Image] = []

    def look(count: int, between: int = 200) -> None:
        for _ in range(count):
            frames.append(shot(page).resize((800, 450), Image.Resampling.LANCZOS))
            page.wait_for_timeout(between)

    page.keyboard.press("r")
    page.wait_for_timeout(500)
    if page.get_by_role("button", name="Train").count():
        page.keyboard.press("Space")
    look(28)
    page.get_by_role("button", name="Pause").click()
    look(2)
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
        look(1)
    page.keyboard.press("1")
    look(3)
    line = page.locator(".cb-line", has_text="d_W_h").first
    line.scroll_into_view_if_needed()
    look(2)
    cells = line.locator("canvas, [role=grid], svg").first.bounding_box()
    for x, y in ((0.5, 0.45), (0.3, 0.55)):
        page.mouse.click(cells["x"] + x * cells["width"], cells["y"] + y * cells["height"])
        look(6)
    few = [frame.quantize(48, dither=Image.Dither.NONE) for frame in frames]
    path = IMAGES / "blackboard.gif"
    few[0].save(path, save_all=True, append_images=few[1:], duration=280, loop=0, optimize=True)
    print(path, path.stat().st_size)
    context.close()


def train(browser: Any, address: str) -> None:
    """Let the network learn, so that there is something to see."""
    page = browser.new_page()
    page.goto(address)
    page.wait_for_timeout(1000)
    for _ in range(8):
        page.keyboard.press("e")
        page.wait_for_timeout(200)
    page.close()


def main() -> None:
    """Take all pictures."""
    chromium = shutil.which("chromium")
    with sync_playwright() as driver, blackboard() as addresses:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        film(browser, next(addresses))
        train(browser, next(addresses))
        panels(browser, next(addresses), "light", WIDE, "light")
        panels(browser, next(addresses), "dark", WIDE, "dark")
        panels(browser, next(addresses), "light", NARROW, "narrow")
        browser.close()


if __name__ == "__main__":
    main()
