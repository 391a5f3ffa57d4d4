"""The directive `linked`: formulas beside the learner's lines and the lines that chainrule writes.

Its content is a table of three columns. The second column holds lines of the Python blocks above
it, the third lines of the text that the option `text` computes from them, each as inline code. A
line that does not occur is an error of the build. The complete text stands beside the table;
`_static/linked.js` links both.
"""

from html import escape

from docutils import nodes
from docutils.parsers.rst import directives
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from extensions.digests import depends_on_code, stamp_code
from extensions.runs import namespace, normal_lines, one_of


class LinkedDirective(SphinxDirective):
    """A table of formula, NumPy and gradient, beside the complete text of the gradient."""

    has_content = True
    option_spec = {"text": directives.unchanged_required, "label": directives.unchanged_required}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        """Return the table and the text."""
        depends_on_code(self.env)
        path = self.env.doc2path(self.env.docname)
        code, names = namespace(path, self.lineno)
        body = _body(eval(self.options["text"], names))
        holder = nodes.container(classes=["linked"])
        self.state.nested_parse(self.content, self.content_offset, holder)
        learner, generated = list(normal_lines(code)), list(normal_lines(body))
        for row in holder.findall(nodes.row):
            if isinstance(row.parent, nodes.tbody):
                self._check(row[1], learner, "the Python blocks above")
                numbers = self._check(row[2], generated, f"the text of {self.options['text']}")
                row["classes"] += ["linked-row", *[f"line-{number}" for number in numbers]]
        holder += nodes.raw("", _numbered(body, self.options["label"]), format="html")
        return [holder]

    def _check(self, cell: nodes.Element, lines: list[str], where: str) -> list[int]:
        """Return the numbers of the lines in a cell."""
        numbers = []
        for literal in cell.findall(nodes.literal):
            number = one_of(lines, literal.astext())
            if number is None:
                raise self.error(f"linked: {literal.astext()!r} is no line of {where}")
            literal["classes"].append("linked-code")
            numbers.append(number)
        return numbers


def _body(text: str) -> str:
    """Return the lines of the function `value_and_gradients` without indentation."""
    return "\n".join(
        line.removeprefix("    ")
        for line in text.split("def value_and_gradients")[1].split("\n")[1:]
    ).strip()


def _numbered(text: str, label: str) -> str:
    coloured = highlight(text, PythonLexer(), HtmlFormatter(nowrap=True)).splitlines()
    lines = "".join(
        f'<span class="linked-line" data-line="{number}">{line or " "}</span>'
        for number, line in enumerate(coloured)
    )
    attributes = f'tabindex="0" role="region" aria-label="{escape(label)}"'
    return f'<div class="linked-text highlight"><pre {attributes}>{lines}</pre></div>'


def _add_files(
    app: Sphinx, page: str, _template: str, _context: dict, doctree: nodes.document | None
) -> None:
    if doctree is not None and any(
        "linked" in node["classes"] for node in doctree.findall(nodes.container)
    ):
        app.add_js_file("linked.js", loading_method="defer")
        app.add_css_file("linked.css")


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive."""
    app.connect("builder-inited", stamp_code)
    app.add_directive("linked", LinkedDirective)
    app.connect("html-page-context", _add_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
