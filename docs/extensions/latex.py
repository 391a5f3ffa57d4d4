"""Expressions of NumPy as formulas: the pages of operations show their texts typeset."""

import ast

FUNCTIONS = {
    "sin": r"\sin", "cos": r"\cos", "tan": r"\tan", "sinh": r"\sinh", "cosh": r"\cosh",
    "tanh": r"\tanh",
    "arcsin": r"\arcsin", "arccos": r"\arccos", "arctan": r"\arctan", "log": r"\ln",
    "log2": r"\log_2",
    "log10": r"\log_{10}", "arcsinh": r"\operatorname{arsinh}", "arccosh": r"\operatorname{arcosh}",
    "arctanh": r"\operatorname{artanh}", "sign": r"\operatorname{sign}", "maximum": r"\max",
    "minimum": r"\min",
    "exp2": "2^", "arctan2": r"\operatorname{atan2}", "sigmoid": r"\sigma",
    "erf": r"\operatorname{erf}",
}  # fmt: skip
NAMES = {"g": r"\bar z"}
OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: r"\,"}
COMPARISONS = {
    ast.Gt: ">",
    ast.Lt: "<",
    ast.GtE: r"\ge",
    ast.LtE: r"\le",
    ast.Eq: "=",
    ast.NotEq: r"\ne",
}
SUM, PRODUCT, ATOM = range(3)  # how closely an expression binds


class UnknownFormError(ValueError):
    """An expression that has no formula here."""


def formula(expression: str, values: dict[str, str] | None = None) -> str:
    """Return the LaTeX of an expression; names of `values` are replaced by their own expressions.

    >>> formula("g / (2 * t)", {"t": "np.sqrt(x)"})
    '\\\\frac{\\\\bar z}{2\\\\,\\\\sqrt{x}}'
    """
    return _Formula(values or {}).of(ast.parse(expression, mode="eval").body, SUM)


class _Formula:
    def __init__(self, values: dict[str, str]) -> None:
        self.values = values

    def of(self, node: ast.expr, binding: int) -> str:
        """Return the LaTeX of a node, in parentheses if it binds less than its surroundings."""
        text, own = getattr(self, f"_{type(node).__name__.lower()}", self._unknown)(node)
        return rf"\left({text}\right)" if own < binding else text

    def _unknown(self, node: ast.expr) -> tuple[str, int]:
        raise UnknownFormError(ast.unparse(node))

    def _name(self, node: ast.Name) -> tuple[str, int]:
        if node.id not in self.values:
            return NAMES.get(node.id, node.id), ATOM
        inner = ast.parse(self.values[node.id], mode="eval").body
        return getattr(self, f"_{type(inner).__name__.lower()}", self._unknown)(inner)

    def _constant(self, node: ast.Constant) -> tuple[str, int]:
        if not isinstance(node.value, int | float):
            return self._unknown(node)
        return f"{node.value:.6g}", ATOM

    def _unaryop(self, node: ast.UnaryOp) -> tuple[str, int]:
        if not isinstance(node.op, ast.USub):
            return self.of(node.operand, PRODUCT), PRODUCT
        return f"-{self.of(node.operand, PRODUCT)}", SUM

    def _binop(self, node: ast.BinOp) -> tuple[str, int]:
        if isinstance(node.op, ast.Div):
            return rf"\frac{{{self.of(node.left, SUM)}}}{{{self.of(node.right, SUM)}}}", ATOM
        if isinstance(node.op, ast.Pow):
            return f"{{{self.of(node.left, ATOM)}}}^{{{self.of(node.right, SUM)}}}", PRODUCT
        own = PRODUCT if isinstance(node.op, ast.Mult) else SUM
        if type(node.op) not in OPERATORS:
            return self._unknown(node)
        right = PRODUCT if isinstance(node.op, ast.Sub) or own == PRODUCT else SUM
        return (
            f"{self.of(node.left, own)}{OPERATORS[type(node.op)]}{self.of(node.right, right)}",
            own,
        )

    def _compare(self, node: ast.Compare) -> tuple[str, int]:
        """Return Iverson's bracket: 1 where the comparison holds."""
        sign = COMPARISONS.get(type(node.ops[0]))
        if sign is None:
            return self._unknown(node)
        return f"[{self.of(node.left, SUM)} {sign} {self.of(node.comparators[0], SUM)}]", ATOM

    def _call(self, node: ast.Call) -> tuple[str, int]:
        name = ast.unparse(node.func).removeprefix("np.").removeprefix("cr.")
        if node.keywords:
            return self._unknown(node)
        inside = [self.of(argument, SUM) for argument in node.args]
        match name:
            case "sqrt":
                return rf"\sqrt{{{inside[0]}}}", ATOM
            case "cbrt":
                return rf"\sqrt[3]{{{inside[0]}}}", ATOM
            case "exp" | "exp2":
                return f"{'e' if name == 'exp' else '2'}^{{{inside[0]}}}", PRODUCT
            case "abs" | "absolute" | "fabs":
                return rf"\left|{inside[0]}\right|", ATOM
            case "square":
                return f"{{{self.of(node.args[0], ATOM)}}}^2", PRODUCT
            case "hypot":
                squares = [f"{{{self.of(argument, ATOM)}}}^2" for argument in node.args]
                return rf"\sqrt{{{'+'.join(squares)}}}", ATOM
            case _ if name in FUNCTIONS:
                return rf"{FUNCTIONS[name]}\left({', '.join(inside)}\right)", PRODUCT
        return self._unknown(node)
