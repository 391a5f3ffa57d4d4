"""Rules of the grammar: each proposes one NumPy expression over what a program has so far."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.fuzz.programs import Node

UNARY = [
    "np.sin({0})", "np.cos({0})", "np.tanh({0})", "np.exp({0})", "np.square({0})", "np.abs({0})",
    "np.arctan({0})", "np.sqrt(np.abs({0}) + 0.5)", "np.log(np.abs({0}) + 0.1)", "np.expm1({0})",
    "np.log1p({0}**2)", "np.cbrt({0} + 3.0)", "-{0}", "1 / (1 + {0}**2)", "np.arcsinh({0})",
    "{0}**2", "{0}**3", "{0}**0.5", "np.log({0})", "np.sqrt({0})", "np.sinh({0})", "np.exp2({0})",
    "np.reciprocal({0})", "np.arctanh({0} / 10)", "np.arccosh({0}**2 + 1.5)", "np.fabs({0})",
    "np.log2({0}**2 + 1)", "np.log10({0}**2 + 2)", "np.arcsin(np.tanh({0}))", "np.cosh({0})",
    "np.maximum({0}, 0)", "np.maximum(0.1, {0})", "np.clip({0}, -0.5, 0.5)", "np.tan({0} / 4)",
    "{0}.clip(0, None)", "np.where({0} > 0, {0}, 0.1 * {0})", "np.where({0} < 0.2, 1.0, {0})",
    "2 * {0}", "{0} / 3", "{0} - 1", "2.0 - {0}", "2.0**{0}", "{0} % 2.0", "+{0}",
    "np.float32(2) * {0}", "np.positive({0})", "{0} * np.pi", "np.sign({0}) * {0}",
    "np.arccos({0} / 20)", "{0}.copy()", "np.nan_to_num({0})", "np.zeros_like({0})",
    "np.ones_like({0}) * {0}", "np.full_like({0}, 0.5) + {0}", "{0}.astype(np.float64)",
    "{0}.astype(np.float32)", "np.sinc({0})", "np.deg2rad({0} * 20)", "np.degrees({0} / 30)",
    "np.real({0})", "np.imag({0}) + {0}", "np.conj({0})", "np.angle({0}) + {0}", "np.radians({0})",
    "np.logaddexp2({0}, 0.5)", "np.select([{0} > 1, {0} > 0], [{0}**2, {0}], 0.1)", "abs({0})",
    "(lambda a: a * np.sin(a))({0})", "sum(({0} * k for k in range(3)))", "np.heaviside({0}, 0.5)",
    "np.interp({0}, [-1.0, 0.0, 1.0], [0.0, 1.0, 0.5])", "pow({0}, 2)", "{0} // 0.5 + {0}",
    "divmod({0}, 0.75)[1]", "np.fmod({0}, 0.7)", "np.modf({0})[0]", "np.copysign({0}, -0.5)",
    "np.piecewise({0}, [{0} > 0.1], [np.sin, 0.5])", "np.ldexp({0}, 2)",
    "{0}.astype('float64', copy=False)", "np.where(np.isnan({0}), 0, {0})", "{0} - {0}",
]  # fmt: skip
LIBRARY = [
    "cr.sigmoid({0})", "cr.relu({0})", "cr.functions.softplus({0})",
    "cr.functions.elu({0})", "cr.functions.gelu({0})",
    "cr.functions.erf({0})", "cr.softmax({0})",
    "cr.functions.log_softmax({0})", "cr.functions.logsumexp({0})",
    "cr.nll(cr.one_hot(3, np.zeros(3, int)), {0})",
]  # fmt: skip
BINARY = [
    "{0} + {1}", "{0} - {1}", "{0} * {1}", "{0} / ({1}**2 + 0.5)", "np.maximum({0}, {1})",
    "np.minimum({0}, {1})", "np.hypot({0}, {1})", "np.arctan2({0}, {1})", "np.add({0}, {1})",
    "np.logaddexp({0}, {1})", "np.fmax({0}, {1})", "np.fmin({0}, {1})", "{0} / {1}",
    "(np.abs({0}) + 0.5)**{1}", "np.where({0} > {1}, {0}, {1})", "np.where({0} > 0, {1}, -{0})",
    "np.remainder({0}, np.abs({1}) + 1)", "np.power(np.abs({0}) + 0.3, {1})", "{0} * {1}",
    "np.float_power(np.abs({0}) + 0.5, {1})", "np.where({1} <= 0.3, {0}**2, 2.0)",
    "np.fmod({0}, np.abs({1}) + 1)", "np.copysign({0}, {1})", "np.heaviside({0}, {1})",
    "np.multiply({0}, {1})", "np.clip({0}, -1, {1}**2)", "{0} + {1}", "{0} - {1}",
]  # fmt: skip
TRUTH = [
    "{0} > {1}", "{0} <= {1}", "{0} == {1}", "{0} != {1}", "np.isfinite({0})", "{0} > 0",
    "np.logical_and({0} > 0, {1} > 0)", "({0} > 0) | ({1} > 0)", "~({0} > 0.5)",
]  # fmt: skip
WHOLE = [
    "np.argsort({0}, axis=-1)", "np.argmax({0}, axis=-1)", "np.argmin({0}, axis=0)",
    "np.floor({0})", "np.sign({0})", "np.rint({0})", "np.argmax({0})", "np.ceil({0})",
    "({0} > 0).astype(int)", "np.sum({0} > 0, axis=0)", "np.any({0} > 0, axis=-1)",
    "np.all({0} > -1)", "np.trunc({0})",
]  # fmt: skip
REDUCTIONS = ["sum", "mean", "max", "min", "prod", "var", "std", "sum", "mean", "ptp", "amax"]
SHAPES = [
    "np.ravel({0})", "{0}.T", "np.transpose({0})", "{0}.reshape(-1)", "np.squeeze({0})",
    "{0}[:, None]", "{0}[None]", "{0}[..., np.newaxis]", "np.expand_dims({0}, 0)", "{0}.ravel()",
    "np.expand_dims({0}, -1)", "np.atleast_1d({0})", "np.atleast_2d({0})", "{0}.reshape(-1, 1)",
    "{0}.reshape(len(X), -1)", "np.reshape({0}, (-1, len(X)))", "{0}.reshape((1, -1))",
    "np.flip({0})", "np.flip({0}, 0)", "np.flip({0}, axis=(0, -1))", "np.roll({0}, 1)",
    "np.roll({0}, -1, axis=0)", "np.roll({0}, (1, 2), axis=(0, -1))", "np.tile({0}, 2)",
    "np.tile({0}, (2, 1))", "np.repeat({0}, 2)", "np.repeat({0}, 2, axis=0)", "{0}.flatten()",
    "np.repeat({0}, 3, axis=-1)", "np.pad({0}, 1)", "np.swapaxes({0}, 0, -1)", "{0}.squeeze()",
    "np.moveaxis({0}, 0, -1)", "np.broadcast_to({0}, (2, *np.shape({0})))", "np.stack([{0}, {0}])",
    "np.concatenate([{0}, 2 * {0}], axis=-1)", "np.split({0}, 2)[1]", "np.split({0}, [1], -1)[0]",
    "np.diff({0})", "np.diff({0}, axis=0)", "np.cumsum({0})", "np.cumsum({0}, axis=0)",
    "np.cumsum({0}, axis=-1)", "{0}.cumsum(-1)", "np.sort({0})", "np.sort({0}, axis=0)",
    "np.sort({0}, axis=None)", "np.tril({0})", "np.triu({0}, 1)", "np.tril({0}, -1)",
    "np.diag({0})", "np.diag({0}, 1)", "np.trace({0})", "np.diagonal({0})", "np.diagonal({0}, 1)",
    "np.swapaxes({0}, -1, -2)", "np.matrix_transpose({0})", "np.diff({0}, n=2, axis=0)",
    "np.take({0}, [0, 0], axis=-1)", "np.take({0}, 0)", "{0}.take([-1, 0])", "sum({0})",
    "np.take_along_axis({0}, np.argsort({0}, axis=-1), axis=-1)", "{0}[np.argsort({0}[:, 0])]",
    "np.linalg.norm({0})", "np.linalg.norm({0}, axis=-1)", "np.linalg.norm({0}, 1, axis=0)",
    "np.linalg.norm({0}, axis=-1, keepdims=True)", "np.stack(list({0}), axis=-1)",
    "np.pad({0}, ((0, 1), (2, 0)))", "np.pad({0}, 1, mode='edge')", "np.stack([{0}, {0}], -1)",
    "np.linalg.norm({0}, np.inf, axis=-1)", "np.vstack([{0}, {0}])", "np.hstack([{0}, {0}])",
    "np.zeros(np.shape({0})) + {0}", "{0} + np.zeros(({0}.shape[0], 1))", "{0} / len({0})",
    "{0} * np.arange(len({0}))[:, None]", "{0} / {0}.size", "{0} / np.shape({0})[-1]",
    "np.hsplit({0}, 2)[0]", "np.vsplit({0}, [1])[1]", "np.array_split({0}, 3)[1]", "np.flipud({0})",
    "np.fliplr({0})", "np.rot90({0})", "np.rollaxis({0}, 1)", "np.atleast_3d({0})",
    "np.partition({0}, 0, axis=-1)", "np.gradient({0})", "np.gradient({0}, axis=0)",
    "np.linalg.norm({0}, 3, axis=-1)", "np.cumprod({0}, axis=-1)", "np.median({0})",
    "np.median({0}, axis=0)", "np.percentile({0}, 30, axis=0)", "np.quantile({0}, [0.2, 0.7])",
    "np.reshape({0}, -1, order='F')", "np.sum({0}, axis=0, initial=2.0)",
    "np.max({0}, initial=3.0)",
    "np.sum({0}, where={0} > 0)", "np.mean({0}, axis=-1, where={0} < 9)", "np.average({0}, axis=0)",
    "np.nansum({0}, axis=0)", "np.count_nonzero({0}) * {0}", "np.ravel({0}, order='F')",
    "{0}[{0} > 0]", "{0}[np.ix_([0, 0], [-1, 0])]", "{0}[tuple([0] * np.ndim({0}))]",
    "np.cumsum({0}[::-1])[::-1]", "np.take({0}, np.array([[0, -1]]), axis=0)", "{0}[..., ::-1]",
    "np.stack([row * k for k, row in enumerate({0})])", "np.concatenate([{0}[1:], {0}[:1]])",
    "np.array([[1.0, 2.0], [3.0, 4.0]]) @ {0}", "{0} * np.array([0.5])", "np.unstack({0})[0]",
    "np.delete({0}, 0, axis=0)", "np.tile({0}, (1, 1, 2))", "np.squeeze({0}, axis=0)",
    "np.permute_dims({0})", "np.expand_dims({0}, (0, -1))", "np.max({0}, axis=-1, keepdims=True)",
    "np.trapezoid({0})", "np.convolve({0}, [1.0, 0.5])", "np.outer({0}, [1.0, 2.0])",
    "np.lib.stride_tricks.sliding_window_view({0}, 2)", "np.apply_along_axis(np.sum, 0, {0})",
    "np.insert({0}, 0, 1.0)", "np.tril({0} @ {0}.T)", "np.nanmax({0})", "np.corrcoef({0})",
    "np.cov({0})", "{0} - {0}.mean(0)", "{0} / (1 + np.max(np.abs({0})))",
    "{0} - np.mean({0}, -1, keepdims=True)", "np.resize({0}, (2, 3))", "np.ediff1d({0})",
    "np.unwrap({0})", "np.vander(np.ravel({0}), 3)", "np.nanmedian({0}, axis=0)",
    "np.nanquantile({0}, 0.3)", "np.r_[np.ravel({0}), 1.0]", "np.c_[{0}, {0}]",
    "np.subtract.reduce({0})", "np.maximum.accumulate({0}, axis=-1)", "np.diagflat({0})",
    "np.delete({0}, [0], axis=-1)", "np.insert({0}, [0, 0], 2.0, axis=-1)", "np.cov({0}, ddof=0)",
    "np.polyder(np.ravel({0}))", "np.polyint(np.ravel({0}))", "np.sum({0}, dtype=np.float64)",
    "np.cumsum({0}, 0, dtype=float)", "np.sort({0}, kind='stable')", "{0} + np.eye(len({0}))",
    "np.extract(np.ones({0}.shape), {0})", "np.compress([True], {0}, axis=0)",
]  # fmt: skip
PRODUCTS = [
    "{0} @ {1}", "{0} @ {1}.T", "{0}.T @ {1}", "np.dot({0}, {1})", "np.matmul({0}, {1})",
    "np.inner({0}, {1})", "np.outer({0}, {1})", "np.tensordot({0}, {1}, 1)", "{0}.dot({1})",
    "np.vdot({0}, {1})", "np.cross({0}, {1})", "np.tensordot({0}, {1}, ([0], [0]))",
    "np.tensordot({0}, {1}, 0)",
    "np.tensordot({0}, {1}, axes=([-1], [0]))", "{0} @ {1}", "np.kron({0}, {1})",
    "np.subtract.outer({0}, {1})", "np.correlate(np.ravel({0}), np.ravel({1}), 'full')",
]  # fmt: skip
JOINS = [
    "np.concatenate([{0}, {1}])", "np.concatenate(({0}, {1}), axis=-1)", "np.stack([{0}, {1}])",
    "np.hstack([{0}, {1}])", "np.vstack(({0}, {1}))", "np.stack(({0}, {1}), axis=-1)",
    "np.concatenate([{0}, {1}], axis=None)", "np.column_stack([{0}, {1}])",
    "np.append({0}, {1})", "np.append({0}, {1}, axis=0)", "np.dstack([{0}, {1}])",
    "np.concatenate([np.atleast_1d({0}), [1.0, 2.0]])", "np.stack([np.sum({0}), np.mean({1})])",
    "np.array([np.sum({0}), 1.0])", "np.block([[{0}, {1}]])", "np.diff({0}, prepend={1})",
]  # fmt: skip
MATRICES = [
    "np.linalg.inv({0})", "np.linalg.det({0})", "np.linalg.slogdet({0})[1]", "np.trace({0})",
    "np.linalg.cholesky({0})", "np.linalg.solve({0}, {1})", "np.linalg.inv({0}) @ {1}",
    "np.linalg.eigvalsh({0})", "np.linalg.eigh({0})[0]", "np.linalg.pinv({0})",
    "np.linalg.svd({0}, compute_uv=False)", "np.linalg.norm({0}, 'nuc')", "{0} @ {0}",
    "np.linalg.norm({0}, 'fro')", "np.linalg.solve({0}, {0}.T)", "np.linalg.slogdet({0}).logabsdet",
    "np.linalg.qr({0})[1]", "np.linalg.lstsq({0}, {1})[0]", "np.linalg.cond({0})",
    "np.linalg.matrix_power({0}, 3)", "np.linalg.multi_dot([{0}, {0}, {0}])",
]  # fmt: skip
SIZES = [
    "{0} if len(X) > {k} else {1}", "{0} if len(X) == 1 else {1}", "{0} / len(X)",
    "{0} if len(X) % 2 else {1}", "{0} * X.shape[0]", "np.sum({0}) / (len(X) - 1 + 1e-3)",
    "np.broadcast_to({0}, (len(X), *np.shape({0})))", "np.ones((len(X), 1)) * {0}",
    "{0} * np.arange(len(X))[:, None]", "np.eye(len(X)) * {0}", "len(X) + {0}",
    "{0} if X.shape[0] < {k} else {1}", "{0}**len(X)", "{0} / np.sqrt(len(X))",
    "np.linspace(0, 1, len(X))[:, None] * {0}", "np.full(len(X), 0.5) @ {0}",
    "{0} if np.ndim({0}) > 1 else {1}", "np.zeros(len(X)) + {0}", "(1 - 1 / len(X)) * {0}",
    "X[:{k}].sum() * {0}", "X[-{k}:].mean() + {0}", "{0} * X[len(X) // 2]", "X[len(X) - 1] * {0}",
    "np.sum(X[: len(X) // 2]) * {0}", "{0}[: len(X)]", "{0}[{k}:]", "{0}[len(X) - 1 :]", "X[::{k}]",
    "np.resize({0}, (len(X),))", "({0} if len(X) in (1, 2, {k}) else {1})",
    "{0} * (len(X) // 2)", "{0} * max(len(X), 3)", "{0} / min(len(X), {k})",
    "{0} if len(X) ** 0.5 > {k} / 2 else {1}", "{0} if len(X) >= len([0] * {k}) else {1}",
    "{0} if np.log2(len(X)) > {k} / 2 else {1}", "{0} if str({k}) in str(len(X)) else {1}",
    "{0} if 2 * len(X) - {k} > 7 else {1}", "{0} if 1 / len(X) < {k} / 9 else {1}",
    "{0} if len(X) * len(X) > 7 * {k} else {1}", "{0} * float(len(X))",
    "{0} if X[{k}:].shape == X[1:].shape else {1}", "({0} if len(X) // {k} == 2 else {1})",
]  # fmt: skip
# Arrays that are written to after an operation has used them.
WRITTEN = [
    "(lambda a, m: (a * m, m.fill(0.5), a * m))({0}, np.ones(np.shape({0})))[{i}]",
    "(lambda a, m: (a + m, m.sort(axis=0), a * m))({0}, np.arange(3.0)[::-1].copy()[:, None])[{i}]",
    "(lambda a, m: (a * m[:2, None], m.put(0, 2.0), a * m[:2, None]))({0}, np.ones(3))[{i}]",
    "(lambda a, m: (a * m[0], m.__iadd__(1), a - m[1]))({0}, np.ones((2, 1)))[{i}]",
    "sum(({0} * m, np.copyto(m, k + 2.0))[0] for k, m in enumerate([np.ones(1)] * 2))",
]
# Arrays that are filled: entries, slices, masks, index arrays, views, entry by entry.
FILLED = [
    "(lambda c: (c.__setitem__(0, c[-1] * 0.5), c)[1])(np.copy({0}))",
    "(lambda c: (c.__setitem__(np.s_[1:], c[:-1] * 2), c)[1])(np.copy({0}))",
    "(lambda c: (c.__setitem__(c > 0.2, 0.3), c)[1])(np.copy({0}))",
    "(lambda c: (c.__setitem__(c < 0, c[c < 0] * 0.1), c)[1])({0} + 0)",
    "(lambda c: (c.__setitem__([0, -1], np.sin(c[[-1, 0]])), c)[1])(np.copy({0}))",
    "(lambda c: (c[::2].__imul__(2), c)[1])(np.copy({0}))",
    "(lambda c: (c.T[..., 0].__iadd__(c[0].T), c)[1])(np.copy({0}))",
    "(lambda c, z: ([z.__setitem__(k, np.tanh(c[k] + z[k - 1])) for k in range(2)], z)[1])"
    "({0}[:2], np.zeros(np.shape({0}[:2])))",
]
# Logits, what makes probabilities of them, and losses of these: some libraries compute a loss of
# probabilities from the logits, and must not do so if either was written into since.
LOGITS = "3 * np.tanh({0})"
PROBABILITIES = [
    "cr.softmax({0})", "cr.softmax({0})", "cr.sigmoid({0})", "cr.sigmoid({0})",
    "np.exp(cr.functions.log_softmax({0}))", "np.exp({0}) / np.exp({0}).sum(-1, keepdims=True)",
    "1 / (1 + np.exp(-{0}))", "cr.softmax({0}) * 1.0", "cr.softmax({0})[:]", "cr.sigmoid({0}).T",
]  # fmt: skip
LOSSES = [
    "cr.losses.categorical_crossentropy({0} > 0.4, {0})", "cr.losses.binary_crossentropy({1}, {0})",
    "cr.losses.sparse_categorical_crossentropy(np.zeros(np.shape({0})[:-1], int), {0})",
    "cr.losses.kl_divergence(np.ones(np.shape({0})) / 2, {0})", "-np.log({0} + 0.01)",
    "cr.losses.binary_crossentropy({0} > 0.4, {0})", "-np.log({0}[..., 0] + 0.01) * {1}[..., 0]",
    "cr.losses.CategoricalCrossentropy()({0} > 0.3, {0})", "cr.losses.poisson(1.0 + 0 * {0}, {0})",
    "cr.losses.BinaryCrossentropy()({0} > 0.3, {0})", "cr.functions.logsumexp({1}) - {1}[..., 0]",
    "cr.losses.categorical_focal_crossentropy({0} > 0.3, {0})",
    "cr.losses.binary_focal_crossentropy({0} > 0.3, {0})",
    "cr.nll(({0} > 0.4) / 1.0, {0})", "np.mean(({0} - {1})**2)",
]  # fmt: skip
WRITES = [
    ("[..., 0]", "=", "0.2"), ("[0]", "=", "0.3"), ("[..., 0]", "+=", "0.1"), ("", "+=", "0.2"),
    ("", "*=", "0.5"), ("[{0} > 0.4]", "=", "0.4"), ("[::2]", "/=", "2"), ("", "+=", "0.1 * {0}"),
    ("[...]", "=", "0.5 * np.sin({0}) + 0.4"), ("[:]", "=", "{0}[::-1]"), ("", "/=", "{0} + 2"),
    ("[:, 0]", "=", "{0}[:, -1]"), ("[..., :2]", "-=", "0.01 * {0}[0]"), ("[-1]", "*=", "{0}[0]"),
    ("[{0} < 0.3]", "*=", "0.9"), ("[np.arange(len({0})), 0]", "-=", "0.01"),
]  # fmt: skip
LARGE_WHOLE = [  # their sums leave int64
    "np.mean({0} * 2**60) / 2.0**60",
    "np.var({0} * 2**59) / 2.0**118",
    "np.mean({0} * 2**60, axis=-1) / 2.0**60",
    "np.average({0} * 2**60) / 2.0**60",
    "np.std({0} * 2**60) / 2.0**60",
    "np.mean({0})",
    "np.mean({0}, axis=0)",
    "np.sum({0})",
    "np.prod({0} + 1)",
    "np.cumsum({0})",
]


NUMBERS = [
    "np.sum({0})", "np.mean({0}**2)", "np.sum(np.sin({0}))", "np.mean({0})", "np.sum({0} * {0})",
    "np.mean(np.tanh({0}))", "np.sum(np.cos({0}) / 2)",
]  # fmt: skip


def unary(d: Any) -> Node:
    templates = LIBRARY if d.library and d.chance(0.3) else UNARY
    return Node(d.pick(templates), (d.item(kind=d.pick(["f"] * 9 + ["iu"])).node,))


def constant(d: Any) -> Node:
    """Propose a product or sum with numbers written out."""
    a = d.item()
    size = a.value.shape[-1] if a.value.ndim else 1
    numbers: Any = [d.whole(-20, 20) / 10 for _ in range(size)]
    if d.chance(0.3):
        numbers = [d.whole(-2, 3) for _ in range(size)]
    if d.chance(0.2):
        numbers = numbers[:1] * size
    text = d.pick(["{0} * np.array(%s)", "np.array(%s) - {0}", "{0} + np.array([%s])", "{0} / %s"])
    if "np.array" not in text:
        numbers = d.pick([2, 2.0, 0.5, 1, -1, 1e-3, 255.0])
    return Node(text % numbers, (a.node,))


def binary(d: Any) -> Node:
    a = d.item()
    return mixed(d, BINARY, a, fitting(d, a))


def truth(d: Any) -> Node:
    a = d.item(kind="fiu")
    return mixed(d, TRUTH, a, fitting(d, a))


def whole(d: Any) -> Node:
    return Node(d.pick(WHOLE), (d.item().node,))


def fitting(d: Any, a: Any) -> Any:
    """Return something that broadcasts with an item, if one is found at once."""
    for _ in range(4):
        b = d.item(kind="fffiub")
        try:
            np.broadcast_shapes(a.value.shape, b.value.shape)
        except ValueError:
            continue
        return b
    return a


def mixed(d: Any, templates: list[str], a: Any, b: Any) -> Node:
    operands = (a.node, b.node) if d.chance(0.7) else (b.node, a.node)
    return Node(d.pick(templates), operands)


def chosen_by_truth(d: Any) -> Node:
    a, mask = d.item(), d.item(kind="b")
    return Node("np.where({0}, {1}, {2})", (mask.node, a.node, fitting(d, a).node))


def reduction(d: Any) -> Node:
    a, name = d.item(1), d.pick(REDUCTIONS)
    ndim = a.value.ndim
    options = []
    if d.chance(0.75):
        count = d.whole(1, ndim)
        axes = [int(axis) - ndim * d.chance(0.4) for axis in d.rng.permutation(ndim)[:count]]
        options.append(f"axis={axes[0] if count == 1 and d.chance(0.8) else tuple(axes)}")
    if d.chance(0.3):
        options.append("keepdims=True")
    if name in ("var", "std") and d.chance(0.3):
        options.append("ddof=1")
    method = d.chance(0.3) and name not in ("ptp", "amax")
    inside = ", ".join(options if method else ["{0}", *options])
    return Node(f"{{0}}.{name}({inside})" if method else f"np.{name}({inside})", (a.node,))


def shape(d: Any) -> Node:
    return Node(d.pick(SHAPES), (d.item(d.whole(0, 2)).node,))


def product(d: Any) -> Node:
    return mixed(d, PRODUCTS, d.item(1), d.item(1))


def join(d: Any) -> Node:
    a = d.item(1)
    return mixed(d, JOINS, a, fitting(d, a))


def matrix(d: Any) -> Node:
    a = d.item(2, most=2)
    k = a.value.shape[1]
    square = Node(f"{{0}}.T @ {{0}} + 2 * np.eye({k})", (a.node,))
    return Node(d.pick(MATRICES), (square, fitting(d, a).node))


def by_size(d: Any) -> Node:
    a = d.item()
    template = d.pick(SIZES).replace("{k}", str(d.whole(1, 6)))
    return Node(template, (a.node, fitting(d, a).node))


def written(d: Any) -> Node:
    template = d.pick(WRITTEN).replace("{i}", str(d.pick([0, 2])))
    return Node(template, (d.item().node,))


def filled(d: Any) -> Node:
    return Node(d.pick(FILLED), (d.item(1, kind="f").node,))


def large_whole(d: Any) -> Node:
    return Node(d.pick(LARGE_WHOLE), (d.item(1, kind="iub").node,))


def einsum(d: Any) -> Node:
    """Propose an einsum: equal sizes often share a letter, the output any of the letters."""
    count = d.pick([1, 2, 2, 2, 3])
    items = [d.item(1, most=3) for _ in range(count)]
    sizes: dict[str, int] = {}
    terms = []
    for item in items:
        term = ""
        for size in item.value.shape:
            known = [c for c, s in sizes.items() if s == size or (1 in (s, size) and d.chance(0.3))]
            fresh = "abcdefghijk"[len(sizes)]
            letter = d.pick(known) if known and d.chance(0.7) else fresh
            sizes[letter] = max(size, sizes.get(letter, 1))
            term += letter
        terms.append(term)
    kept = [letter for letter in sizes if d.chance(0.5)]
    output = "".join(d.rng.permutation(kept)) if kept else ""
    if d.chance(0.1):
        terms = [f"...{term[1:]}" for term in terms]
        output = "..." + "".join(c for c in output if any(c in term for term in terms))
    arrow = f"->{output}" if d.chance(0.9) else ""
    places = ", ".join(f"{{{i}}}" for i in range(count))
    return Node(f"np.einsum('{','.join(terms)}{arrow}', {places})", tuple(i.node for i in items))


def index(d: Any) -> Node:
    """Propose an indexing: of any kind, an axis after the other."""
    a = d.item(1, kind="ffffi")
    parts: list[str] = []
    operands = [a.node]
    for size in a.value.shape[: d.whole(1, a.value.ndim)]:
        if d.chance(0.12):
            parts.append(d.pick(["None", "np.newaxis"]))
        parts.append(_one_index(d, size, operands, size == d.n and a.value.shape[0] == size))
    if d.chance(0.15):
        parts.insert(d.whole(0, len(parts)), "...")
    if len(parts) == 1 and d.chance(0.2):
        parts.append("")  # a tuple of one
    return Node(f"{{0}}[{', '.join(parts).strip() or '...'}]", tuple(operands))


def _one_index(d: Any, size: int, operands: list[Node], rows: bool) -> str:
    def position() -> int:
        return d.whole(-size, size - 1) if size else 0

    def positions() -> list[int]:
        return [position() for _ in range(d.whole(0 if d.chance(0.1) else 1, 4))]

    kind = d.whole(0, 11)
    if kind < 5 or (rows and kind < 8):
        start, stop, step = (d.pick(["", "", d.whole(-3, 4)]) for _ in range(3))
        return f"{start}:{stop}" + (f":{step}" if step not in ("", 0) else "")
    if kind < 7:
        return str(position())
    if kind == 7:
        return str(positions())
    if kind == 8:
        return f"np.array({[positions()[:1] * 2, positions()[:1] * 2]})"
    if kind == 9:
        truths = [d.chance(0.6) for _ in range(size)]
        return f"np.array({truths})" if truths else ":"
    if kind == 10:
        return f"np.array({positions() or [0]})"
    found = [i for i in d.pool if i.value.dtype.kind in "ib" and i.value.ndim]
    if not found:
        return ":"
    operands.append(d.pick(found).node)
    return f"{{{len(operands) - 1}}}"


def number(d: Any, item: Any) -> Node:
    """Return an item made one number."""
    if item.value.ndim == 0 and d.chance(0.5):
        return item.node
    return Node(d.pick(NUMBERS), (item.node,))


RULES = (
    [unary] * 4 + [binary] * 4 + [reduction] * 3 + [shape] * 4 + [index] * 4 + [product] * 3
    + [einsum, join, matrix, by_size, constant] * 2 + [truth, whole, chosen_by_truth]
    + [written, filled, filled, large_whole]
)  # fmt: skip
KEEPING = [unary, binary, product, shape]
LAYERS = {
    "for W in p: ": "np.tanh({0} @ W)", "for W in reversed(p): ": "{0} + np.sin({0} @ W.T)",
    "for layer in p: ": "np.tanh({0} @ layer['W'] + layer['b'])",
    "for W, b in zip(p['W'], p['b']): ": "np.maximum({0} @ W, 0.1) - b",
}  # fmt: skip
LOOPS = [
    ("for _ in range(2): ", "{0}"), ("for i in range(3): ", "{0} / (i + 1)"),
    ("for x in X[0]: ", "{0} * x / 3"), ("for i in range(len(X)): ", "{0} / (i + 2)"),
    ("for i in reversed(range(2)): ", "{0} - i"), ("if len(X) > 2: ", "{0}"),
]  # fmt: skip
