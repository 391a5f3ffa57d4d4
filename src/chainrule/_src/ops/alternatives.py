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
    "i0": "scipy.special.i0(x)",
    "sort_complex": "np.sort(a)",
}
_IN_WORDS = {
    "roots": "write np.linalg.eigvals of the companion matrix, if all roots are real",
}
# Methods of ufuncs, and options that all of them have.
_OF_UFUNCS = {
    "at": f"write cr.one_hot(n, indices).T @ b for np.add.at; {OUTSIDE}",
    "reduceat": "write np.split, and reduce each part",
}
_METHOD = f"write its parts with {{0}}(a, b), or {OUTSIDE}"
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
    >>> alternative("np.i0"), alternative("np.add", "reduceat")
    ('write scipy.special.i0(x)', 'write np.split, and reduce each part')
    """
    if method != "__call__":
        return _OF_UFUNCS.get(method, _METHOD).format(name)
    if name in ALTERNATIVES:
        return ALTERNATIVES[name]
    if options:
        return "; ".join(_OPTIONS.get(option, f"leave {option}= away") for option in options)
    return f"write it in the functions that docs/functions.md lists, or {OUTSIDE}"


INSTEAD.append(alternative)
