"""Find the mistake that explains a wrong gradient.

Every explanation is a hypothesis that is tested: the mistake is applied to the right gradient, and
must reproduce the wrong one to the last digits that the check can see. An explanation may combine
one mistake of the backward pass with one simple change of a parameter's gradient (a sign, a factor,
a transpose); the one with the fewest parts wins. Where several explain the gradient equally well,
none is certain, and all are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from chainrule.checking.mistakes import Gradients, Mistake, Recording, mistakes
from chainrule.validation import Array


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with some parameters' gradients.

    Attributes
    ----------
    kind : str
        A short name, such as ``"mean over the batch missing"``.
    message : str
        What is wrong and what to do.
    parameters : tuple of str
        Whose gradients it explains.
    certain : bool
        Whether it reproduces the wrong gradient and nothing else here does.
    """

    kind: str
    message: str
    parameters: tuple[str, ...]
    certain: bool

    def __str__(self) -> str:
        doubt = "" if self.certain else "perhaps: "
        return f"{', '.join(self.parameters)}: {doubt}{self.message}"


def ratio(a: Any, b: Any) -> float:
    """Return the norm ratio of two gradients: 0 for equal ones, infinite for different shapes."""
    if np.shape(a) != np.shape(b):
        return np.inf
    scale = np.linalg.norm(a) + np.linalg.norm(b)
    return float(np.linalg.norm(np.subtract(a, b)) / scale) if scale else 0.0


@dataclass(frozen=True)
class _Part:
    kind: str
    message: str
    certain: bool = True


_Explanation = dict[str, tuple[_Part, ...]]


def diagnose(
    by_hand: Mapping[str, Array | None],
    wrong: Iterable[str],
    right: Gradients,
    recording: Recording | None,
    n: int | None,
    tolerance: float,
    single: Iterable[Mistake] = (),
) -> tuple[Diagnosis, ...]:
    """Explain a wrong gradient.

    Parameters
    ----------
    by_hand : mapping of str to ndarray or None
        The gradient in question; None where it is missing.
    wrong : iterable of str
        The parameters that did not pass.
    right : dict of str to ndarray
        The right gradient.
    recording : Recording or None
        Of the loss, if it could be recorded.
    n : int or None
        The batch size, if there is one.
    tolerance : float
        Up to which norm ratio two gradients are the same.
    single : iterable of Mistake
        More mistakes to try, of the data rather than of the code.
    """
    wrong = list(wrong)
    search = _Search(by_hand, wrong, right, n, tolerance)
    bases = [None, *(mistakes(recording) if recording else ()), *single]
    found: list[tuple[int, _Explanation]] = []
    for base in bases:
        explanation = search.explain(base)
        if explanation is not None:
            found.append((len(set(chain(*explanation.values()))), explanation))
    if found:
        fewest = min(cost for cost, _ in found)
        best = [explanation for cost, explanation in found if cost == fewest]
        return _diagnoses(best)
    return (
        Diagnosis(
            "not recognised",
            "none of the mistakes in the catalogue gives this gradient; compare it with "
            "cr.source(loss), line by line",
            tuple(wrong),
            certain=False,
        ),
    )


def _diagnoses(best: list[_Explanation]) -> tuple[Diagnosis, ...]:
    """Group explanations by what they say; certain if there is only one."""
    unique: list[_Explanation] = []
    for explanation in best:
        if explanation not in unique:
            unique.append(explanation)
    diagnoses: dict[Diagnosis, None] = {}
    for explanation in unique:
        for part in dict.fromkeys(chain(*explanation.values())):
            names = tuple(name for name, parts in explanation.items() if part in parts)
            diagnoses[
                Diagnosis(part.kind, part.message, names, part.certain and len(unique) == 1)
            ] = None
    return tuple(diagnoses)


class _Search:
    """Tries to explain every wrong parameter, by one mistake and simple changes of its gradient."""

    def __init__(
        self,
        by_hand: Mapping[str, Array | None],
        wrong: list[str],
        right: Gradients,
        n: int | None,
        tolerance: float,
    ) -> None:
        self.by_hand, self.wrong, self.right = by_hand, wrong, right
        self.n, self.tolerance = n, tolerance

    def same(self, a: Any, b: Any) -> bool:
        return ratio(a, b) <= self.tolerance

    def explain(self, base: Mistake | None) -> _Explanation | None:
        """Return what explains each wrong parameter, or None if ``base`` does not do it."""
        predicted = self.right if base is None else base.gradients
        message = "" if base is None else base.message
        if base is not None and base.slope is not None:
            rate = self._rate(base)
            if rate is None:
                return None
            predicted = {k: base.gradients[k] - rate * base.slope[k] for k in base.gradients}
            message += f" (the learning rate was {rate:.3g})"
        # The mistake must not spoil what is right.
        if base is not None and any(
            not self.same(self.by_hand[name], predicted[name])
            for name in self.right
            if name not in self.wrong
        ):
            return None
        explanation: _Explanation = {}
        for name in self.wrong:
            touched = base is not None and not self.same(predicted[name], self.right[name])
            parts = [_Part(base.kind, message)] if base is not None and touched else []
            if not parts or not self.same(self.by_hand[name], predicted[name]):
                changes = self._changed(name, predicted)
                if not changes:
                    return None
                parts += changes
            explanation[name] = tuple(parts)
        used = {part.kind for part in chain(*explanation.values())}
        return explanation if base is None or base.kind in used else None

    def _rate(self, base: Mistake) -> float | None:
        """Fit the unknown rate; None unless it is positive and does something."""
        assert base.slope is not None
        pairs = []
        for name in self.wrong:
            w, p, slope = self.by_hand[name], base.gradients[name], base.slope[name]
            if w is not None and w.shape == p.shape and not self.same(p, p - slope):
                pairs.append((p - w, slope))
        below = sum(float(np.vdot(s, s)) for _, s in pairs)
        if not below:
            return None
        rate = sum(float(np.vdot(d, s)) for d, s in pairs) / below
        return rate if rate > 1e-9 else None

    def _changed(self, name: str, predicted: Gradients) -> list[_Part]:
        """Return the simple changes of ``predicted`` that give the gradient by hand."""
        w, p = self.by_hand[name], predicted[name]
        if w is None:
            return [_Part("gradient missing", "there is no gradient for it")]
        if not np.isfinite(w).all():
            return [_Part("not finite", "the gradient holds NaN or infinite values")]
        if w.shape == p.shape and not w.any():
            return [_Part("gradient forgotten", "the gradient is zero: was it never computed?")]
        for part, value in self._shapes(w, p, name, predicted):
            if self.same(w, value):
                return [part]
        scaled = self._scaled(w, p)
        if not scaled and p.ndim == 2:
            scaled = self._scaled(w.T, p)
            return [*scaled, _Part("transposed", "the gradient is transposed")] if scaled else []
        return scaled

    def _shapes(
        self, w: Array, p: Array, name: str, predicted: Gradients
    ) -> Iterator[tuple[_Part, Any]]:
        if p.ndim == 2 and w.shape == p.T.shape:
            yield _Part("transposed", "the gradient is transposed"), p.T
        for other, value in predicted.items():
            if other != name and value.shape == p.shape and not self.same(value, p):
                yield (
                    _Part("swapped", f"the gradient of {other} stands in its place"),
                    value,
                )
        n = self.n
        if n is not None and n > 1 and w.shape == (n, *p.shape):
            not_summed = (
                "the gradient still has a row for each sample: sum over the batch, "
                "np.sum(..., axis=0)"
            )
            for factor, more in ((1, ""), (n, ", and divide by the batch size")):
                if self.same(w.sum(axis=0), factor * p):
                    yield _Part("not summed over the batch", not_summed + more), w
        if p.ndim == 1 and w.shape != p.shape and w.size:
            if w.shape == (1, *p.shape):
                yield _Part("shape", f"its shape is {w.shape}, not {p.shape}"), p[None]
            if n is not None and w.shape == (n,) and np.isclose(w.sum(), p.sum(), atol=1e-12):
                wrong_axis = (
                    "the gradient is summed over the wrong axis: one number a sample instead of "
                    "one a unit; use axis=0"
                )
                yield _Part("summed over the wrong axis", wrong_axis), w
        once = w.size == 1 and w.shape != p.shape and self.same(w.reshape(()), p.sum())
        repeated = p.size > 1 and self.same(w, np.full_like(p, p.sum()))
        if p.ndim == 1 and (once or repeated):
            everything = "the gradient is summed over everything; sum over the batch, axis=0"
            yield _Part("summed over the wrong axis", everything), w

    def _scaled(self, w: Array, p: Array) -> list[_Part]:
        """Return the factor between two gradients, and what it is likely to be."""
        if w.shape != p.shape or not p.any():
            return []
        factor = float(np.vdot(p, w) / np.vdot(p, p))
        if not self.same(w, factor * p):
            return []
        sign = "" if factor > 0 else ", and the sign is wrong"
        kind_sign = "" if factor > 0 else ", sign"
        size = abs(factor)
        if np.isclose(size, 1, rtol=1e-5):
            return [_Part("sign", "the sign is wrong")]
        n = self.n or 1
        known = {
            ("mean over the batch missing", "the average over the batch is missing: divide by "
             f"{n}, the number of samples"): n,
            ("mean over the batch doubled", "the average over the batch is taken twice: divide by "
             f"{n} only once (np.sum, not np.mean, over the batch)"): 1 / n,
            ("factor 2", "the gradient is twice what it must be"): 2.0,
            ("factor 1/2", "the gradient is half of what it must be: a square gives 2"): 0.5,
        }  # fmt: skip
        names = [name for name, c in known.items() if np.isclose(size, c, rtol=1e-5)]
        if not names:
            constant = "is a learning rate or another constant multiplied in?"
            names = [("factor", f"the gradient is {size:.6g} times the right one: {constant}")]
        kind, message = " or ".join(k for k, _ in names), "; or ".join(m for _, m in names)
        return [_Part(kind + kind_sign, message + sign, certain=len(names) == 1)]
