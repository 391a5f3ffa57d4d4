"""The directive `live`: a figure that computes in the page; without JavaScript, its picture."""

from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive, directives
from sphinx.application import Sphinx

from extensions.widgets import collect


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


def _add_loader(
    app: Sphinx, page: str, _template: str, _context: dict, doctree: nodes.document | None
) -> None:
    if doctree is not None and any(True for _ in doctree.findall(live)):
        app.add_js_file("live/loader.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive, and what builds the widgets."""
    app.add_node(live, html=(_visit, _depart))
    app.add_directive("live", LiveDirective)
    app.connect("builder-inited", lambda app: collect(Path(app.srcdir) / "_static" / "live"))
    app.connect("html-page-context", _add_loader)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
