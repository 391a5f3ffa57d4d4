"""Write the documentation of this version to build/docs/VERSION, with its search: `make docs`.

The folder `build/docs` has a version beside the others: its `versions.js` names them for the
switcher on each page, and its `index.html` leads to the newest. All of it works from a folder,
without a server; only the search then is Sphinx's own, since browsers let no page from a file read
pagefind's index.
"""

import json
import subprocess
import sys
from pathlib import Path

from packaging.version import Version
from sphinx.cmd.build import main as sphinx

from chainrule import __version__

DOCS = Path(__file__).parent
SITE = DOCS.parent / "build" / "docs"
UNREAD = ".headerlink, .katex-html, .katex annotation"  # signs; formulas again
REDIRECT = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>chainrule</title>
<meta http-equiv="refresh" content="0; url={0}/index.html"></head>
<body><a href="{0}/index.html">chainrule {0}</a></body></html>
"""


def build(arguments: list[str]) -> int:
    """Write the site; return Sphinx's exit code. `arguments` are more options of Sphinx's."""
    folder = SITE / __version__
    doctrees = DOCS.parent / "build" / "doctrees"
    strict = ["--fail-on-warning", "--keep-going", "--quiet", "--jobs", "2"]
    code = sphinx([*strict, *arguments, "-d", str(doctrees), str(DOCS), str(folder)])
    if code == 0:
        index(folder)
        tell_versions()
    return code


def index(folder: Path) -> None:
    """Write pagefind's index of the pages in a folder."""
    pages = ["--site", str(folder), "--glob", "{*.html,[!_]*/**/*.html}"]
    command = [sys.executable, "-m", "pagefind", "--quiet", "--exclude-selectors", UNREAD]
    subprocess.run([*command, *pages], check=True)


def tell_versions() -> None:
    """Write the versions, newest first, the pages of each, and what leads to the newest."""
    versions = sorted(
        (path.parent.name for path in SITE.glob("*/searchindex.js")), key=Version, reverse=True
    )
    for version in versions:
        pages = sorted(
            str(path.relative_to(SITE / version)) for path in (SITE / version).rglob("*.html")
        )
        write_script(SITE / version / "pages.js", "chainrulePages", pages)
    write_script(SITE / "versions.js", "chainruleVersions", versions)
    (SITE / "index.html").write_text(REDIRECT.format(versions[0]), encoding="utf-8")


def write_script(path: Path, name: str, value: list[str]) -> None:
    """Write a value as a script, which a page from a file may read, too."""
    path.write_text(f"globalThis.{name} = {json.dumps(value)};\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(build(sys.argv[1:]))
