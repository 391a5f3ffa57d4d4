"""Builds the blackboard's page into wheel and sdist: neither is built without it."""

import os
import shutil
import subprocess
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGE = Path("src", "chainrule", "_src", "blackboard", "assets", "blackboard.js")
WEB = Path("blackboard-web")


class PageHook(BuildHookInterface):
    """Called before a wheel, an editable one excepted, and before an sdist."""

    PLUGIN_NAME = "custom"

    def initialize(self, version, build_data):
        """Build the page if it is missing or older than its sources."""
        root = Path(self.root)
        if version != "editable" and not is_current(root / PAGE, root / WEB):
            build_page(root / PAGE, root / WEB)


def is_current(page, web):
    """Whether the page is there and no source is newer; files of an sdist are of one age."""
    sources = [web / "package-lock.json", web / "vite.config.ts", *web.glob("src/**/*")]
    sources += page.parents[2].glob("export/web/runtime/*.js")
    times = [path.stat().st_mtime for path in sources if path.is_file()]
    return page.is_file() and page.stat().st_mtime >= max(times, default=0)


def build_page(page, web):
    """Build the page with Node's npm."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit(
            f"{page} is missing or older than its sources, and a package without it would lack the "
            "blackboard: install Node 20 or newer with its npm, or install this checkout with "
            "pip install -e ."
        )
    command = [npm, "--loglevel=error", "--prefix", web]
    for words in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
        subprocess.run([*command, *words], check=True, stdout=subprocess.DEVNULL)
    page.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(web / "dist" / "blackboard.js", page)
    os.utime(page)
