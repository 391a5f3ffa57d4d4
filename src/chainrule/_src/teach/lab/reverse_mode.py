"""Reverse-mode differentiation, step by step.

Nobody has to derive gradients by hand. Run the network forwards and write down every operation with
its value. Then go through the list backwards: each operation knows its own derivative, takes the
adjoint of its result and passes a share on to each of its operands. The adjoint of a value v is how
much the loss L changes with it,

    v̄ = ∂L/∂v,   starting from L̄ = 1

One pass backwards gives the gradient with respect to every parameter at once, at a small multiple
of the cost of the loss itself. Here it is for a test sample that the network of section 3 is unsure
of, beside the formulas that were derived by hand there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule._src.base import plots
from chainrule._src.base.arrays import Array
from chainrule._src.core.equations import Variable
from chainrule._src.core.program import Program
from chainrule._src.core.transforms import value_and_grad
from chainrule._src.nn.functions import nll, one_hot, sigmoid, softmax
from chainrule._src.teach.lab.results import Number, SectionPicture, SectionResult
from chainrule._src.text.text import equation_lines
from chainrule._src.trace.tracing import trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from chainrule._src.teach.lab.session import Lab

RANK = 5  # the fifth worst test sample: its loss is large, so are its adjoints
FORMULAS = {
    "Y_pred": "ȳ = −Y / y",
    "z_o": "z̄_o = y − Y",
    "W_o": "W̄_o = hᵀ z̄_o",
    "b_o": "b̄_o = z̄_o",
    "h": "h̄ = z̄_o W_oᵀ",
    "z_h": "z̄_h = h̄ ⊙ σ′(z_h)",
    "W_h": "W̄_h = xᵀ z̄_h",
    "b_h": "b̄_h = z̄_h",
}

SIGNS = {"matmul": "@", "add": "+", "multiply": "×", "negative": "−"}


def network_loss(params: dict[str, Any], x: Any, y: Any) -> Any:
    """Return the loss of the lab's network: plain NumPy and the functions of the lab."""
    z_h = x @ params["W_h"] + params["b_h"]
    h = sigmoid(z_h)
    z_o = h @ params["W_o"] + params["b_o"]
    Y_pred = softmax(z_o)
    return nll(one_hot(10, y), Y_pred)


def network_accuracy(params: dict[str, Any], x: Any, y: Any) -> Any:
    """Return the share of the samples that the lab's network predicts correctly."""
    h = sigmoid(x @ params["W_h"] + params["b_h"])
    z_o = h @ params["W_o"] + params["b_o"]
    return np.mean(np.argmax(z_o, axis=-1) == y)


@dataclass(frozen=True)
class Step:
    """One value of the forward pass and its adjoint.

    Attributes
    ----------
    name : str
    how : str
        The operation that computes the value, in NumPy; empty for inputs.
    value, adjoint : ndarray
    formula : str
        The adjoint as derived by hand.
    difference : float
        Largest difference between the adjoint and that formula.
    """

    name: str
    how: str
    value: Array
    adjoint: Array
    formula: str
    difference: float


@dataclass
class ReverseModeResult(SectionResult):
    """The forward and the backward pass of one sample.

    Attributes
    ----------
    sample : int
        Index of the test sample.
    steps : list of Step
        The values in the order of the forward pass.
    nodes, edges : list
        The graph of the forward pass: labels of nodes, and pairs of node indices.
    loss : float
    """

    sample: int
    steps: list[Step]
    nodes: list[str]
    edges: list[tuple[int, int]]
    loss: float
    log: list[str]

    @property
    def numbers(self) -> dict[str, Number]:
        """The loss, and the differences between automatic and hand-written adjoints."""
        return {
            f"loss of test sample {self.sample}": self.loss,
            "operations forward": sum(1 for node in self.nodes if "\n" in node),
            **{f"difference in the adjoint of {s.name}": s.difference for s in self.steps},
        }

    @property
    def findings(self) -> str:
        """Sentences on the agreement of the adjoints and on their size."""
        worst = max(self.steps, key=lambda step: step.difference)
        norms = {s.name: float(np.linalg.norm(s.adjoint)) for s in self.steps}
        return (
            "The backward pass gives every adjoint that the formulas give; the largest difference "
            f"is {worst.difference:.0e}, in {worst.name}, and comes from the 1e-8 inside the "
            f"logarithm. On its way down the adjoint shrinks or grows: its norm is "
            f"{norms['z_o']:.2g} at z_o, {norms['h']:.2g} at h and, after the slope of the "
            f"sigmoid, {norms['z_h']:.2g} at z_h."
        )

    @property
    def listings(self) -> list[tuple[str, str]]:
        """A table of each forward value with its adjoint and the formula by hand."""
        return [
            ("Forward the values, backward the adjoints, as derived by hand.", table(self.steps))
        ]

    @property
    def pictures(self) -> list[SectionPicture]:
        """The graph; the values and adjoints unit by unit."""
        return [
            SectionPicture(
                "The operations of the forward pass; the adjoints take the arrows backwards.",
                self.plot_graph,
                (9, 4.2),
            ),
            SectionPicture(
                "Values forward and adjoints backward, unit by unit.", self.plot_values, (9, 4.4)
            ),
        ]

    def plot_graph(self, ax: Axes | None = None) -> Axes:
        """Draw the graph of the forward pass."""
        return plots.graph(self.nodes, self.edges, ax=ax)

    def plot_values(self, ax: Axes | None = None) -> Axes:
        """Draw the ten entries of each layer's values and adjoints."""
        ax = plots.new_axes(ax, (9, 4.4))
        steps = [step for step in self.steps if step.value.shape == (10,) and step.how]
        panels = plots.panels(ax, 1, 2, gaps=(0, 0.12))
        for panel, title, rows in (
            (panels[0], "values", [step.value for step in steps]),
            (panels[1], "adjoints", [step.adjoint for step in steps]),
        ):
            plots.heat_map(
                np.stack(rows), [step.name for step in steps], range(10), title=title,
                xlabel="unit or class", write=lambda x: f"{round(x, 1) + 0.0:.1f}", cmap="RdBu_r",
                around_zero=True, ax=panel,
            )  # fmt: skip
        return ax


def table(steps: list[Step]) -> str:
    """Write the steps as a table: name, value, adjoint, formula."""
    rows = [(s.name, _range(s.value), _range(s.adjoint), s.formula) for s in steps]
    return "\n".join(
        f"{name:<7} {value:>22}   {adjoint:>22}   {formula}"
        for name, value, adjoint, formula in [("", "value", "adjoint", "by hand"), *rows]
    )


def run(lab: Lab) -> ReverseModeResult:
    """Record the loss of one sample with its gradient, and compare it with the formulas."""
    lines, log = lab.logger()
    net = lab.run("hidden-layer").model
    sample = int(lab.run("worst-predictions").order[RANK - 1])
    x = lab.digits.X_test[sample].astype(np.float64)
    y = int(lab.digits.y_test[sample])
    program = trace(value_and_grad(network_loss))(net.parameters, x, np.asarray(y))
    by_hand = _by_hand(net.parameters, x, y)
    steps = _steps(program, by_hand)
    for line in table(steps).splitlines():
        log(line)
    nodes, edges = _graph(program)
    loss = float(program.result[0].value)
    return ReverseModeResult(sample, steps, nodes, edges, loss, lines)


def _by_hand(p: dict[str, Array], x: Array, y: int) -> dict[str, Array]:
    """Return the adjoints of all variables, computed by the formulas."""
    z_h = x @ p["W_h"] + p["b_h"]
    h = sigmoid(z_h)
    Y, Y_pred = one_hot(10, y), softmax(h @ p["W_o"] + p["b_o"])
    d_z_o = Y_pred - Y
    d_h = d_z_o @ p["W_o"].T
    d_z_h = d_h * h * (1 - h)
    return {
        "Y_pred": -Y / Y_pred, "z_o": d_z_o, "W_o": np.outer(h, d_z_o), "b_o": d_z_o,
        "h": d_h, "z_h": d_z_h, "W_h": np.outer(x, d_z_h), "b_h": d_z_h,
    }  # fmt: skip


def _steps(program: Program, by_hand: dict[str, Array]) -> list[Step]:
    adjoints = _adjoints(program)
    steps = []
    for variable, name, how in equation_lines(program):
        if name in by_hand:
            adjoint = adjoints[variable].value
            difference = float(np.abs(adjoint - by_hand[name]).max())
            steps.append(Step(name, how, variable.value, adjoint, FORMULAS[name], difference))
    return steps


def _adjoints(program: Program) -> dict[Variable, Variable]:
    adjoints = {v.adjoint_of: v for v in program.variables if v.adjoint_of is not None}
    for name, variable in program.arguments["params"].items():
        adjoints[variable] = program.result[1][name]
    return adjoints


def _graph(program: Program) -> tuple[list[str], list[tuple[int, int]]]:
    """Return the forward pass as a graph: labels of nodes, and edges as pairs of indices."""
    forward = {program.result[0]}
    for equation in reversed(program.equations):
        if equation.output in forward:
            forward.update(equation.variables)
    lines = [line for line in equation_lines(program) if line[0] in forward]
    position = {variable: i for i, (variable, _, _) in enumerate(lines)}
    made_by = {equation.output: equation.primitive.name for equation in program.equations}
    labels = [
        f"{name}\n{SIGNS.get(made_by[v], made_by[v])}" if how else name for v, name, how in lines
    ]
    edges = [
        (position[operand], position[equation.output])
        for equation in program.equations
        if equation.output in forward
        for operand in dict.fromkeys(equation.variables)
    ]
    return labels, edges


def _range(array: Array) -> str:
    return f"{array.min():+.4f} … {array.max():+.4f}"
