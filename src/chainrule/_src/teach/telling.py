"""The sentence on a mistake without the answer: what is wrong is said, the line is not written."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

LEAST = 12  # characters, without spaces, of an expression that gives an answer away


def packed(text: str) -> str:
    """Return a text without spaces."""
    return "".join(text.split())


def contains(text: str, expression: str) -> bool:
    """Return true if a text has an expression, however it is spaced, and not as a part of a name.

    Examples
    --------
    >>> contains("h = sigmoid( z )", "sigmoid(z)"), contains("dsigmoid(z)", "sigmoid(z)")
    (True, False)
    """
    pattern = r"\s*".join(map(re.escape, packed(expression)))
    return re.search(rf"(?<!\w){pattern}(?!\w)", text) is not None


def without_answer(sentence: str, code: str, repaired: str) -> str:
    """Return a sentence on a line without the expressions that its learner has yet to find.

    Parameters
    ----------
    sentence : str
    code, repaired : str
        The line, as it is and as it should be; the latter may be "".

    Examples
    --------
    >>> code, repaired = "return e / np.sum(e)", "return e / np.sum(e, axis=-1)"
    >>> without_answer("the wrong axis: np.sum(e, axis=-1) instead of np.sum(e)", code, repaired)
    'the wrong axis'
    """
    for answer in given_away(code, repaired):
        wrong = "|".join(map(re.escape, sorted(_expressions(code), key=len, reverse=True)))
        clause = rf": (?:the order must be )?{re.escape(answer)}(?: instead of (?:{wrong}))?"
        sentence = re.sub(rf"{clause}(?= \(|;|$)", "", sentence)
        sentence = re.sub(rf"{re.escape(answer)} \((\w+)\)", r"\1", sentence)  # its variable
        sentence = sentence.replace(answer, "…")
    return sentence


def given_away(code: str, repaired: str) -> list[str]:
    """Return the expressions of a mended text that the text as it is lacks, long ones first."""
    long = {text for text in _expressions(repaired) if len(packed(text)) >= LEAST}
    return sorted((text for text in long if not contains(code, text)), key=len, reverse=True)


def _expressions(line: str) -> Iterator[str]:
    """Yield the texts of the expressions in a line of code, which may be a part of a statement."""
    for node in ast.walk(_parsed(line.strip())):
        if isinstance(node, ast.expr) and not isinstance(node, ast.Constant | ast.Name):
            yield ast.unparse(node)


def _parsed(line: str) -> ast.AST:
    for text in (line, f"{{{line}}}", f"({line})", f"{line} pass", f"({line.rstrip(',')}"):
        try:
            return ast.parse(text)
        except SyntaxError:
            continue
    return ast.Pass()


__all__ = ["LEAST", "contains", "given_away", "packed", "without_answer"]
