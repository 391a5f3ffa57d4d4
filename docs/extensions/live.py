"""The directive `live`: a figure that computes in the page, with a picture in case scripts are off.

A widget NAME is two files in `live/`. `NAME.py` has a function `build(folder)` that writes there
what the widget imports (networks by `export_web`, data) and `picture.svg`. `NAME.js` exports a
function that fills an element. Both become one script of the site, which loads when the figure
comes into view. The runtime of the networks is a script of its own, which a browser loads once for
all figures.
"""

import importlib.util
import shutil
import subprocess
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive, directives
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.display import status_iterator

from chainrule._src.export.web.content import WebContent
from chainrule._src.export.web.module import runtime_text
from extensions.digests import made

_SHARED = "const { runtime } = globalThis.chainruleLive;\n"
_BUILD = """
const { buildSync } = require("esbuild");
const [entry, outfile, folder] = process.argv.slice(1);
buildSync({
  stdin: {
    contents: `import start from ${JSON.stringify(entry)};
      globalThis.chainruleLive[${JSON.stringify(folder)}] = start;`,
    resolveDir: ".",
  },
  bundle: true, minify: true, format: "iife", target: "es2022", outfile, logLevel: "error",
  alias: { parts: `./build/${folder}` },
});
"""
_MINIFY = """
const { buildSync } = require("esbuild");
const [contents, outfile] = process.argv.slice(1);
buildSync({ stdin: { contents }, minify: true, target: "es2022", outfile, logLevel: "error" });
"""


class live(nodes.figure):
    """A figure that computes in the page."""


class LiveDirective(Directive):
    """A widget by its name; the content is its caption."""

    required_arguments = 1
    has_content = True
    option_spec = {"alt": directives.unchanged_required}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        """Return the figure with its caption."""
        if "alt" not in self.options:
            raise self.error(
                "a live figure needs :alt:, the text for readers who do not see its picture"
            )
        figure = live("", name=self.arguments[0], alt=self.options["alt"])
        caption = nodes.caption()
        self.state.nested_parse(self.content, self.content_offset, caption)
        figure += caption.children[0].children if caption.children else []
        return [figure]


def _visit(writer: object, node: live) -> None:
    root = writer.builder.get_relative_uri(writer.builder.current_docname, "index").rpartition("/")[
        0
    ]
    source = "/".join(filter(None, [root, "_static/live", f"{node['name']}.svg"]))
    alt = writer.attval(node["alt"])
    writer.body.append(
        f'<figure class="live" data-live="{node["name"]}"><img src="{source}" alt="{alt}">'
        "<figcaption>"
    )


def _depart(writer: object, _node: live) -> None:
    writer.body.append("</figcaption></figure>\n")


def _build_all(app: Sphinx) -> None:
    folder = Path(app.srcdir) / "live"
    target = Path(app.srcdir) / "_static" / "live"
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / "loader.js", target / "loader.js")
    made(folder / "build", lambda _: write_runtime(target))
    names = sorted(path.stem for path in folder.glob("*.py"))
    for name in status_iterator(
        names, "building live figures... ", "brown", len(names), app.verbosity
    ):
        files = [folder / "kit.js", folder / f"{name}.py", folder / f"{name}.js"]
        made(folder / "build" / name, lambda parts, name=name: build(parts, target, name), files)


def build(parts: Path, target: Path, name: str) -> None:
    """Write the script and the picture of a widget; its parts go to a folder of their own."""
    folder = parts.parent.parent
    spec = importlib.util.spec_from_file_location(f"live_{name}", folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.build(parts)
    for path in parts.glob("*.mjs"):
        path.write_text(path.read_text("utf-8").replace(_runtime(), _SHARED), encoding="utf-8")
    _node(folder, name, _BUILD, f"./{name}.js", str(target / f"{name}.js"), name)
    shutil.copyfile(parts / "picture.svg", target / f"{name}.svg")


def _runtime() -> str:
    """Return the runtime as it stands in a module that trains and has no table."""
    content = WebContent("", weights={})
    content.kernels["train"] = None
    return f'function runtime() {{\n"use strict";\n{runtime_text(content)}\n}}\n'


def write_runtime(target: Path) -> None:
    """Write the script of the runtime."""
    source = f"globalThis.chainruleLive.runtime = {_runtime()}"
    _node(target, "runtime", _MINIFY, source, str(target / "runtime.js"))


def _node(folder: Path, name: str, *arguments: str) -> None:
    command = ["node", "-e", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ExtensionError(f"the live figure {name} could not be built:\n{done.stderr[-2000:]}")


def _add_loader(
    app: Sphinx, page: str, _template: str, _context: dict, doctree: nodes.document | None
) -> None:
    if doctree is not None and any(True for _ in doctree.findall(live)):
        app.add_js_file("live/loader.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive, and what builds the widgets."""
    app.add_node(live, html=(_visit, _depart))
    app.add_directive("live", LiveDirective)
    app.connect("builder-inited", _build_all)
    app.connect("html-page-context", _add_loader)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
