"""Matrix products and norms."""

from __future__ import annotations

from chainrule._src.core.equations import Equation
from chainrule._src.core.kernel import Contraction
from chainrule._src.export.onnx.graph import Graph, Rule, shape_of
from chainrule._src.export.onnx.reduce import reduction
from chainrule._src.export.onnx.shape import squeezed


def _matmul(g: Graph, e: Equation) -> str:
    return g.node("MatMul", *(g.value(operand, e.output.dtype) for operand in e.operands))


def _contraction(g: Graph, e: Equation) -> str:
    """Write a contraction as Einsum; the primitive knows its subscripts."""
    kernel = e.primitive.kernel
    assert isinstance(kernel, Contraction)
    ranks = tuple(len(shape_of(operand)) for operand in e.operands)
    inputs, out = kernel.subscripts(ranks, **e.params).split("->")
    terms = inputs.split(",")
    long = {
        letter
        for term, operand in zip(terms, e.operands, strict=True)
        for letter, size in zip(term, shape_of(operand), strict=True)
        if size != 1
    }
    values = []
    for i, (term, operand) in enumerate(zip(terms, e.operands, strict=True)):
        # An axis of size 1 that would be repeated is left out: ONNX's Einsum repeats none.
        repeated = [
            axis
            for axis, (letter, size) in enumerate(zip(term, shape_of(operand), strict=True))
            if size == 1 and letter in long
        ]
        terms[i] = "".join(letter for axis, letter in enumerate(term) if axis not in repeated)
        values.append(squeezed(g, g.value(operand, e.output.dtype), repeated))
    return g.node("Einsum", *values, equation=f"{','.join(terms)}->{out}")


def _tensordot(g: Graph, e: Equation) -> str:
    """Write a tensordot as MatMul if it is a matrix product, else as Einsum."""
    ranks = [len(shape_of(operand)) for operand in e.operands]
    product = ranks[1] == 2 and tuple(e.params["axes"]) == ((ranks[0] - 1,), (0,))
    return (_matmul if product else _contraction)(g, e)


LINALG: dict[str, Rule] = {
    "matmul": _matmul,
    "matmul_last": _contraction,
    "tensordot": _tensordot,
    "einsum": _contraction,
    "norm": reduction("ReduceL2"),
}
