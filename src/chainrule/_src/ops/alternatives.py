"""Advice in error messages: replacements for NumPy functions and methods that take no tensor."""

from __future__ import annotations

from chainrule._src.core.refusals import ATTRIBUTES, INSTEAD

OUTSIDE = "call it outside the differentiated function and pass its result as an argument"

# Reasons that many functions share, each with advice.
_DISCRETE = f"its result has no derivative: {OUTSIDE}"
_WRITES = "it writes into an array, and a tensor never changes: write np.where(mask, a, b)"
_PRINTS = "it writes or prints plain numbers: give it t.value"
_ABOUT_TYPES = "it is about dtypes: give it t.dtype"
_ABOUT_MEMORY = f"it is about an array's memory, of which a tensor has none: {OUTSIDE}"
_FOURIER = (
    "it gives complex numbers, which have no gradient in chainrule: with angle = 2 * np.pi * "
    "np.outer(np.arange(n), np.arange(n)) / n, the real part of the transform of n entries is "
    "np.cos(angle) @ t and the imaginary part -np.sin(angle) @ t"
)
_SHARED = {
    _DISCRETE: """
        argwhere bincount bitwise_count bitwise_left_shift bitwise_right_shift busday_count
        busday_offset datetime_as_string diag_indices_from digitize flatnonzero frexp gcd histogram
        histogram2d histogram_bin_edges histogramdd intersect1d is_busday isin isnat ix_ lcm
        left_shift lexsort linalg.matrix_rank nanargmax nanargmin nextafter nonzero packbits
        ravel_multi_index right_shift searchsorted setdiff1d setxor1d spacing tril_indices_from
        trim_zeros triu_indices_from union1d unique unique_all unique_counts unique_inverse
        unique_values unpackbits unravel_index einsum_path""",
    _WRITES: "place",
    _PRINTS: "array2string array_repr array_str save savetxt savez savez_compressed",
    _ABOUT_TYPES: "can_cast common_type min_scalar_type",
    _ABOUT_MEMORY: "may_share_memory shares_memory",
    _FOURIER: """
        fft.fft fft.fft2 fft.fftn fft.hfft fft.ifft fft.ifft2 fft.ifftn fft.ihfft fft.irfft
        fft.irfft2 fft.irfftn fft.rfft fft.rfft2 fft.rfftn""",
}
# Replacement code, written with the names of the function's parameters.
EXPRESSIONS = {
    "array_equal": "np.all(a1 == a2)",
    "array_equiv": "np.all(a1 == a2)",
    "astype": "x.astype(dtype)",
    "compress": "np.take(a, np.flatnonzero(condition), axis=axis)",
    "copysign": "np.abs(x1) * np.where(x2 < 0, -1.0, 1.0)",
    "corrcoef": "d = x - np.mean(x, axis=1, keepdims=True); "
    "s = d / np.sqrt(np.sum(d**2, axis=1, keepdims=True)); s @ s.T",
    "correlate": "np.convolve(a, v[::-1], mode)",
    "cov": "d = m - np.mean(m, axis=1, keepdims=True); d @ d.T / (np.shape(m)[1] - 1)",
    "cumulative_prod": "np.cumprod(x, axis=axis)",
    "cumulative_sum": "np.cumsum(x, axis=axis)",
    "delete": "np.concatenate([arr[:obj], arr[obj + 1:]])",
    "diagflat": "np.diag(np.ravel(v), k)",
    "ediff1d": "np.diff(np.ravel(ary))",
    "extract": "np.ravel(arr)[np.ravel(condition)]",
    "fft.fftshift": "np.roll(x, len(x) // 2)",
    "fft.ifftshift": "np.roll(x, -(len(x) // 2))",
    "fix": "np.trunc(x)",
    "fmod": "x1 - x2 * np.trunc(x1 / x2)",
    "geomspace": "np.exp(np.linspace(np.log(start), np.log(stop), num))",
    "heaviside": "np.where(x1 == 0, x2, np.where(x1 < 0, 0.0, 1.0))",
    "i0": "scipy.special.i0(x)",
    "insert": "np.concatenate([arr[:obj], values, arr[obj:]])",
    "interp": "i = np.sum(x[:, np.newaxis] > xp[1:-1], axis=1); at = np.take_along_axis; "
    "w = (np.clip(x, xp[0], xp[-1]) - at(xp, i, 0)) / at(np.diff(xp), i, 0); "
    "(1 - w) * at(fp, i, 0) + w * at(fp, i + 1, 0)",
    "isneginf": "x == -np.inf",
    "isposinf": "x == np.inf",
    "ldexp": "x1 * 2.0**x2",
    "linalg.cond": "s = np.linalg.svdvals(x); s[..., 0] / s[..., -1]",
    "linalg.lstsq": "np.linalg.pinv(a) @ b",
    "linalg.tensorinv": "k = a.shape[:ind]; n = a.shape[ind:]; "
    "np.reshape(np.linalg.inv(np.reshape(a, (math.prod(k), -1))), n + k)",
    "linalg.tensorsolve": "n = a.shape[np.ndim(b):]; "
    "np.reshape(np.linalg.solve(np.reshape(a, (np.size(b), -1)), np.ravel(b)), n)",
    "logspace": "base ** np.linspace(start, stop, num)",
    "matvec": "(x1 @ x2[..., np.newaxis])[..., 0]",
    "modf": "(x - np.trunc(x), np.trunc(x))",
    "nancumprod": "np.cumprod(np.where(np.isnan(a), 1.0, a), axis=axis)",
    "nancumsum": "np.cumsum(np.where(np.isnan(a), 0.0, a), axis=axis)",
    "nanmedian": "np.median(a[~np.isnan(a)])",
    "nanpercentile": "np.percentile(a[~np.isnan(a)], q)",
    "nanquantile": "np.quantile(a[~np.isnan(a)], q)",
    "piecewise": "np.select(condlist, [f(x) for f in funclist])",
    "polyadd": "a1 + a2",
    "polyder": "p[:-1] * np.arange(len(p) - 1, 0, -1)",
    "polyfit": "V = np.stack([x**k for k in range(deg, -1, -1)], axis=-1); np.linalg.pinv(V) @ y",
    "polyint": "np.concatenate([p / np.arange(len(p), 0, -1), np.zeros(1)])",
    "polymul": "np.convolve(a1, a2)",
    "polysub": "a1 - a2",
    "resize": "np.reshape(np.take(np.ravel(a), np.arange(math.prod(new_shape)) % np.size(a)), "
    "new_shape)",
    "signbit": "x < 0",
    "sort_complex": "np.sort(a)",
    "unstack": "[x[i] for i in range(len(x))]",
    "vander": "np.stack([x**k for k in range(len(x) - 1, -1, -1)], axis=-1)",
    "vecmat": "(x1[..., np.newaxis, :] @ x2)[..., 0, :]",
}
_IN_WORDS = {
    "apply_along_axis": "write cr.vmap(func1d)(arr), which maps along the first axis",
    "apply_over_axes": "write np.sum(a, axis=axes, keepdims=True), or another reduction",
    "broadcast_arrays": "write np.broadcast_to(array, shape) for each array",
    "choose": "write np.select([a == 0, a == 1], choices), with a condition for each choice",
    "empty_like": "write np.zeros_like(prototype)",
    "linalg.qr": "write r = np.linalg.cholesky(a.T @ a).T and q = a @ np.linalg.inv(r), whose "
    "signs make the diagonal of r positive",
    "poly": "write p = np.convolve(p, [1.0, -root]) for one root after another",
    "polydiv": "solve the linear equations between the coefficients with np.linalg.solve",
    "roots": "write np.linalg.eigvals of the companion matrix, if all roots are real",
    "unwrap": "write p + turns, with turns = np.unwrap(p) - p as an argument",
}
# Methods of ufuncs, and options that all of them have.
_REDUCED = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min",
            "logical_and": "all", "logical_or": "any"}  # fmt: skip
_OF_UFUNCS = {
    "accumulate": "stack the partial results with np.stack, or write cr.scan",
    "at": f"it writes into an array: write cr.one_hot(n, indices).T @ b for np.add.at; {OUTSIDE}",
    "outer": "write {0}(a[:, np.newaxis], b)",
    "reduce": "write {0}(a, b) for one part of the array after another",
    "reduceat": "write np.split, and reduce each part",
}
_OPTIONS = {
    "dtype": "write .astype(dtype) behind it instead of dtype=",
    "out": "leave out= away",
    "where": "write np.where(mask, a, b) instead of where=",
}

ALTERNATIVES = {f"np.{name}": reason for reason, names in _SHARED.items() for name in names.split()}
ALTERNATIVES |= {f"np.{name}": f"write {code}" for name, code in EXPRESSIONS.items()}
ALTERNATIVES |= {f"np.{name}": words for name, words in _IN_WORDS.items()}

_IN_PLACE = "writes into the array, and a tensor never changes"
ATTRIBUTES |= {
    "sort": f"{_IN_PLACE}: write t = np.sort(t)",
    "partition": f"{_IN_PLACE}: write t = np.partition(t, k)",
    "resize": f"{_IN_PLACE}: write t = np.reshape(t, shape)",
    "byteswap": f"changes an array's memory: {OUTSIDE}",
    "to_device": "moves an array to another device: leave it away",
    "choose": ALTERNATIVES["np.choose"],
    "compress": "picks entries: write t[mask]",
    "nonzero": _DISCRETE,
    "searchsorted": _DISCRETE,
}
ATTRIBUTES |= dict.fromkeys(("put", "setfield", "setflags"), f"{_IN_PLACE}: write np.where")
ATTRIBUTES |= dict.fromkeys(
    ("ctypes", "data", "device", "flags", "getfield", "strides", "view", "__dlpack__",
     "__dlpack_device__"),
    "is about an array's memory, of which a tensor has none: for the plain array, read t.value",
)  # fmt: skip
ATTRIBUTES |= dict.fromkeys(
    ("dump", "dumps", "tobytes", "tofile"), "writes plain numbers: for those, read t.value"
)


def alternative(name: str, method: str = "__call__", options: tuple[str, ...] = ()) -> str:
    """Return advice for a NumPy function, for a ufunc's method, or for unsupported options.

    Examples
    --------
    >>> alternative("np.fix"), alternative("np.add", "reduce")
    ('write np.trunc(x)', 'write np.sum')
    """
    ufunc = name.removeprefix("np.")
    if method == "reduce" and ufunc in _REDUCED:
        return f"write np.{_REDUCED[ufunc]}"
    if method == "accumulate" and ufunc in ("add", "multiply"):
        return f"write np.cum{_REDUCED[ufunc]}"
    if method != "__call__":
        return _OF_UFUNCS[method].format(name)
    if name in ALTERNATIVES:
        return ALTERNATIVES[name]
    if options:
        return "; ".join(_OPTIONS.get(option, f"leave {option}= away") for option in options)
    return f"write it in the functions that docs/functions.md lists, or {OUTSIDE}"


INSTEAD.append(alternative)
