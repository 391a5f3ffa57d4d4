"""Judges from outside: differences of plain NumPy, autograd, JAX; all in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.fuzz.rounding import bounds

import chainrule as cr
from chainrule._src.core.trees import leaves, map_leaves

STEPS = (1e-6, 1e-5, 1e-4)


def signs(tree: Any, seed: int) -> Any:
    """Return a direction: 1 or -1 for each entry."""
    rng = np.random.default_rng(seed)
    return map_leaves(lambda x: rng.choice([-1.0, 1.0], size=x.shape).astype(x.dtype), tree)


def slope_agrees(f: Any, p: Any) -> tuple[bool | None, str]:
    """Whether the gradient of ``f`` at p is that of central differences along a direction.

    None where differences cannot tell: they are too coarse, or there is a kink.
    """
    value, gradient = cr.value_and_grad(f)(p)
    v = signs(p, 2)

    def along(t: float) -> float:
        return float(np.reshape(f(map_leaves(lambda x, u: x + t * u, p, v)), ()))

    pairs = zip(leaves(gradient), leaves(v), strict=True)
    slope = float(sum(np.sum(g * u) for (_, g), (_, u) in pairs))
    scale = float(sum(np.sum(np.abs(g)) for _, g in leaves(gradient)))
    noise = 64 * np.finfo(float).eps * (abs(float(value)) + scale)
    verdict = close(along, slope, noise, STEPS[0])
    if not verdict:
        found, *slopes = bounds(cr.value_and_grad(f), p)
        noise += float(np.max(found))
        doubt = float(sum(np.sum(part) for part in slopes))  # the gradient rounds as well
        verdicts = [close(along, slope, noise, step, doubt) for step in STEPS]
        verdict = True if True in verdicts else False if verdicts.count(False) == 3 else None
    step = STEPS[0]
    return verdict, f"slope {slope}, by differences {(along(step) - along(-step)) / (2 * step)}"


def close(along: Any, slope: float, noise: float, h: float, doubt: float = 0.0) -> bool | None:
    """Whether a slope is that of differences over a step; None if these cannot tell."""
    try:
        far, near = along(2 * h) - along(-2 * h), along(h) - along(-h)
        bend = abs(along(h) - 2 * along(0.0) + along(-h)) / h  # how much the slope changes
    except Exception:
        return None
    one, two = far / (4 * h), near / (2 * h)
    if not np.isfinite(one + two + slope):
        return None
    tolerance = 4 * abs(one - two) + noise / h + doubt
    if abs(two - slope) <= tolerance:
        return True if tolerance < 1e-2 * max(abs(slope), 1e-3) else None
    return None if abs(two - slope) <= bend + tolerance else False


def gradient_agrees(f: Any, p: Any, expected: Any) -> bool:
    """Whether the gradient of ``f`` at p is what another library found."""
    one = [x for _, x in leaves(cr.grad(f)(p))]
    two = [np.asarray(x) for _, x in leaves(expected)]
    if [x.shape for x in one] != [x.shape for x in two]:
        return False
    pairs = list(zip(one, two, strict=True))
    if all(np.allclose(a, b, rtol=1e-15, atol=0.0, equal_nan=True) for a, b in pairs):
        return True
    limits = bounds(cr.value_and_grad(f), p)[1:]
    return all(
        np.all((np.abs(a - b) <= limit) | (np.isnan(a) & np.isnan(b)))
        for (a, b), limit in zip(pairs, limits, strict=True)
    )


def by_autograd(function: Any, args: Any) -> Any:
    """Return the gradient that autograd finds."""
    import autograd
    import autograd.numpy as anp

    found = autograd.grad(function(anp))(*args)
    if any(np.asarray(leaf).dtype.kind != "f" for _, leaf in leaves(found)):
        raise TypeError("autograd gives arrays of objects for what np.prod keeps in np.dstack")
    return found


def by_jax(function: Any, args: Any) -> Any:
    """Return the gradient that JAX finds."""
    import warnings

    import jax
    import jax.numpy as jnp

    warnings.filterwarnings("ignore", "os.fork", RuntimeWarning)  # children do without it
    jax.config.update("jax_enable_x64", True)
    return jax.grad(function(jnp))(*map_leaves(jnp.asarray, list(args)))
