"""Formulas become KaTeX's HTML while the site is built: readers need no script for them.

One process of Node renders all formulas of all pages, after they are read and before they are
written.
"""

import json
import subprocess
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util.math import get_node_equation_number

_RENDER = r"""
const katex = require("katex");
const html = ([text, displayMode]) => {
  const aligned = displayMode && /&|\\\\/.test(text) && !text.includes("begin{");
  try {
    const whole = aligned ? `\\begin{aligned}${text}\\end{aligned}` : text;
    return katex.renderToString(whole, { displayMode });
  } catch (error) {
    throw new Error(`${error.message}\nin the formula ${text}`);
  }
};
console.log(JSON.stringify(JSON.parse(require("fs").readFileSync(0, "utf8")).map(html)));
"""


def _key(node: nodes.math | nodes.math_block) -> tuple[str, bool]:
    return node.astext(), isinstance(node, nodes.math_block)


def _is_math(node: nodes.Node) -> bool:
    return isinstance(node, nodes.math | nodes.math_block)


def _note_pages(app: Sphinx, env: BuildEnvironment, pages: list[str]) -> None:
    app.pages_with_new_formulas = [*pages]


def _render_all(app: Sphinx, env: BuildEnvironment) -> None:
    if app.builder.format != "html":
        return
    pages = app.pages_with_new_formulas
    keys = {_key(node) for page in pages for node in env.get_doctree(page).findall(_is_math)}
    rendered = getattr(env, "formulas", {})
    env.formulas = rendered | _rendered(sorted(keys - rendered.keys()), Path(app.srcdir))


def _rendered(keys: list[tuple[str, bool]], folder: Path) -> dict[tuple[str, bool], str]:
    if not keys:
        return {}
    done = subprocess.run(
        ["node", "-e", _RENDER],
        cwd=folder,
        input=json.dumps(keys),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ExtensionError(f"KaTeX could not render the formulas:\n{done.stderr[-2000:]}")
    return dict(zip(keys, json.loads(done.stdout), strict=True))


def _write_inline(writer: object, node: nodes.math) -> None:
    writer.body.append(writer.builder.env.formulas[_key(node)])
    raise nodes.SkipNode


def _write_block(writer: object, node: nodes.math_block) -> None:
    number = get_node_equation_number(writer, node) if node["number"] else ""
    label = f'<span class="eqno">({number})</span>' if number else ""
    writer.body.append(f'<div class="math">{label}{writer.builder.env.formulas[_key(node)]}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, object]:
    """Add the renderer `katex` of formulas."""
    app.add_html_math_renderer("katex", (_write_inline, None), (_write_block, None))
    app.connect("env-before-read-docs", _note_pages)
    app.connect("env-updated", _render_all)
    app.add_css_file("katex.min.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True, "env_version": 1}
