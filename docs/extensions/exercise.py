"""The directive `exercise`: a question that is checked in the page.

Its content: the question; a block of the language `py` that computes `answer`, while the site is
built, in a namespace of its own (the blocks of the language `python` share the page's); a list of
wrong answers, each with the mistake that it comes from; and, as a quotation, why the answer is
right. If the answer is a number, an item of the list begins with an expression as inline code,
which is evaluated; if the answer is a text, the list holds all choices, in bold. Without
JavaScript the answer can be opened; `_static/exercise.js` adds the form.

The option `picture` is an expression of the block's names and of the functions in `sketches`, and
`alt` its text; with `after`, the picture comes with the answer. An answer counts as right `within`
a distance, by default a hundredth of it.
"""

from html import escape
from typing import Any

import numpy as np
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import chainrule as cr
from extensions import sketches
from extensions.digests import depends_on_code, stamp_code

PICTURES = {name: getattr(sketches, name) for name in ("curve", "bars", "tables", "lines", "steps")}


class ExerciseNode(nodes.container):
    """A question with its answer."""


class ExerciseDirective(SphinxDirective):
    """A question by its title; the content is described in the module."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = {  # noqa: RUF012
        "within": directives.unchanged_required,
        "picture": directives.unchanged_required,
        "alt": directives.unchanged_required,
        "after": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        """Return the exercise: question, picture, choices, answer."""
        depends_on_code(self.env)
        holder = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, holder)
        code, cases, why, question = _parts(holder)
        if code is None or not why:
            raise self.error("exercise: expected a block ```py and a quotation that explains")
        names: dict[str, Any] = {"np": np, "cr": cr}
        exec(code.astext(), names)
        answer = names.get("answer")
        title = self.arguments[0]
        node = ExerciseNode(title=title, ids=[nodes.make_id(f"exercise-{title}")])
        picture = self._picture(names)
        if "after" in self.options:  # the picture shows the answer
            why += picture
        else:
            question += picture
        node += question
        if isinstance(answer, str):
            node["kind"] = "choice"
            choices, shown, feedback = self._choices(cases, answer)
            node += [_raw('<ul class="exercise-choices">'), *choices, _raw("</ul>")]
        else:
            node["kind"] = "number"
            node["answer"], node["within"] = self._number(answer)
            shown = [nodes.Text(_short(float(answer), node["within"]))]
            feedback = self._mistakes(cases, names, node["answer"], node["within"])
        node += [
            _raw("<details><summary>The answer</summary>"),
            nodes.paragraph("", "", nodes.Text("Answer: "), nodes.strong("", "", *shown)),
            _raw('<div class="exercise-why">'),
            *why,
            _raw("</div>"),
            code,
            _raw('<p class="exercise-wrong">Other answers:</p><ul class="exercise-cases">'),
            *feedback,
            _raw("</ul></details>"),
        ]
        return [node]

    def _picture(self, names: dict[str, Any]) -> list[nodes.Node]:
        if "picture" not in self.options:
            raise self.error("exercise: expected :picture:, an expression such as bars(p=p)")
        if "alt" not in self.options:
            raise self.error("exercise: expected :alt:, the text of the picture")
        svg = eval(self.options["picture"], PICTURES | names)
        return [
            _raw(svg.replace('aria-label="ALT"', f'aria-label="{escape(self.options["alt"])}"'))
        ]

    def _number(self, answer: Any) -> tuple[float, float]:
        if answer is None or not np.isfinite(answer):
            raise self.error(
                f"exercise: the code must set `answer`, a number or a text, not {answer!r}"
            )
        number = float(answer)
        return number, float(self.options.get("within") or max(abs(number) / 100, 1e-12))

    def _mistakes(
        self, cases: list[nodes.list_item], names: dict[str, Any], answer: float, within: float
    ) -> list[nodes.Node]:
        """Return the list of wrong numbers; no two of them may be taken for each other."""
        taken, items = [answer], []
        for case in cases:
            text, rest = _head(case, nodes.literal)
            if text is None:
                raise self.error("exercise: a wrong number begins with inline code")
            value = float(eval(text.astext(), names))
            if any(abs(value - other) <= 2 * within for other in taken):
                raise self.error(
                    f"exercise: {text.astext()} is {value:g}, too near another of {taken}"
                )
            taken.append(value)
            shown = f"{_short(value, within)}: "
            items += [
                _raw(f'<li data-value="{value!r}">'),
                nodes.paragraph("", "", nodes.Text(shown), *rest),
                _raw("</li>"),
            ]
        return items

    def _choices(
        self, cases: list[nodes.list_item], answer: str
    ) -> tuple[list[nodes.Node], list[nodes.Node], list[nodes.Node]]:
        """Return the choices, the right one, and the feedback for the others."""
        choices, right, feedback = [], [], []
        for number, case in enumerate(cases):
            text, rest = _head(case, nodes.strong)
            if text is None:
                raise self.error("exercise: a choice begins with bold text")
            is_right = text.astext() == answer
            if is_right:
                right = text.deepcopy().children
            else:
                name = [*text.deepcopy().children, nodes.Text(": ")]
                feedback += _item(f'data-choice="{number}"', [*name, *rest])
            choices += [_raw(f"<li{' data-right' * is_right}>"), *text.children, _raw("</li>")]
        if not right:
            raise self.error(f"exercise: the answer {answer!r} is none of the choices")
        return choices, right, feedback


def _parts(
    holder: nodes.container,
) -> tuple[nodes.literal_block | None, list[nodes.list_item], list[nodes.Node], list[nodes.Node]]:
    """Return code, wrong answers or choices, explanation and question."""
    code, cases, why, question = None, [], [], []
    for child in holder.children:
        if isinstance(child, nodes.literal_block) and code is None:
            code = child
        elif isinstance(child, nodes.bullet_list):
            cases += child.children
        elif isinstance(child, nodes.block_quote):
            why += child.children
        else:
            question.append(child)
    return code, cases, why, question


def _head(case: nodes.list_item, kind: type) -> tuple[Any, list[nodes.Node]]:
    """Return the first node of an item, if it is of this kind, and the others."""
    first, *rest = [child for child in case[0].children if child.astext()]
    if not isinstance(first, kind):
        return None, []
    if rest and isinstance(rest[0], nodes.Text):
        rest[0] = nodes.Text(rest[0].astext().lstrip(": "))
    return first, rest


def _short(number: float, within: float) -> str:
    """Return a number with as many digits as count."""
    return f"{round(number, max(0, int(np.ceil(-np.log10(within))))):g}"


def _item(attribute: str, content: list[nodes.Node]) -> list[nodes.Node]:
    return [_raw(f"<li {attribute}>"), nodes.paragraph("", "", *content), _raw("</li>")]


def _raw(html: str) -> nodes.raw:
    return nodes.raw("", html, format="html")


def _visit(writer: Any, node: ExerciseNode) -> None:
    data = (
        f' data-answer="{node["answer"]!r}" data-within="{node["within"]!r}"'
        if node["kind"] == "number"
        else ""
    )
    (name,) = node["ids"]
    writer.body.append(
        f'<section class="exercise" id="{name}" aria-labelledby="{name}-title"{data}>'
        f'<p class="exercise-title" id="{name}-title"><a href="#{name}">Exercise</a>: '
        f"{escape(node['title'])}</p>"
    )


def _depart(writer: Any, _node: ExerciseNode) -> None:
    writer.body.append("</section>\n")


def _add_files(
    app: Sphinx, page: str, _template: str, _context: dict, doctree: nodes.document | None
) -> None:
    if doctree is not None and any(True for _ in doctree.findall(ExerciseNode)):
        app.add_js_file("exercise.js", loading_method="defer")
        app.add_css_file("exercise.css")


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive."""
    app.add_node(ExerciseNode, html=(_visit, _depart))
    app.connect("builder-inited", stamp_code)
    app.add_directive("exercise", ExerciseDirective)
    app.connect("html-page-context", _add_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
