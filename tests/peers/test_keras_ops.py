"""Every function of `keras.ops` computes what Keras's does under that name."""

import keras
import numpy as np
import pytest

from chainrule.keras import ops

rng = np.random.default_rng(0)
A, B = rng.normal(size=(2, 3, 4)).astype("f4")
P = (np.abs(A) / np.abs(A).sum(axis=1, keepdims=True)).astype("f4")
K = rng.integers(1, 3, size=(3, 4)).astype("i4")
T = rng.normal(size=(2, 3, 4)).astype("f4")
# Arguments, of which each function takes some.
CALLS = (
    ((A,), {}), ((A,), {"axis": 1}), ((A,), {"axis": -1, "keepdims": True}), ((T,), {"axis": 0}),
    ((A, B), {}), ((A, 1), {}), ((A, B.T), {}), ((K,), {}), ((K, K), {}), ((K, 3), {}),
    ((A > 0, A, B), {}), ((A, -1.0, 1.0), {}), (([A, B],), {}), ((A, (4, 3)), {}), ((A, 0, 1), {}),
    ((A, K[:, :2], 1), {}), ((P, P), {}), ((K[:, 0], P), {}), ((K[:, 0], P, 2), {}),
    ((A, 2, 1), {}), (("ij,kj->ik", A, B), {}), ((5,), {}), (((2, 3),), {}), (((2, 3), 1.5), {}),
    ((0.0, 1.0, 5), {}),
    ((A, ((1, 0), (0, 2))), {}), ((A, K), {"axis": 1}), ((A, "int32"), {}), ((A, [0.2, 0.5]), {}),
    ((A[0], (3, 4)), {}), ((A[0], B[0]), {}), ((A[:, :3], B[:, :3]), {}), ((5, 2.5), {}),
    ((A[0],), {}), ((P,), {}),
)  # fmt: skip
OF_CHANCES = ((P, P), {}), ((K[:, 0], P), {}), ((P, A), {"from_logits": True})
# Functions of functions, of nothing that could be compared, and those that draw what they return.
APART = {"cond", "scan", "is_tensor", "empty_like", "shape", "stop_gradient", "argpartition"}
NAMES = sorted(({*ops.__all__, *ops._NUMPYS} & {*dir(keras.ops)}) - APART)


def arrays(result):
    """Return a result as a list of arrays."""
    parts = result if isinstance(result, list | tuple) else [result]
    return [np.asarray(keras.ops.convert_to_numpy(part)) for part in parts]


@pytest.mark.parametrize("name", NAMES)
def test_function_is_that_of_keras(name):
    n_compared = 0
    if name == "geomspace":  # between numbers of one sign
        there = arrays(keras.ops.geomspace(1, 8, 4))[0]
        np.testing.assert_allclose(ops.geomspace(1, 8, 4), there, rtol=1e-6)
        return
    calls = CALLS if "crossentropy" not in name else OF_CHANCES
    for args, options in calls:
        try:
            there = arrays(getattr(keras.ops, name)(*args, **options))
        except Exception:  # Keras does not take these arguments
            continue
        if any(part.dtype.kind not in "fiub" for part in there):
            continue
        try:
            with np.errstate(all="ignore"):
                here = arrays(getattr(ops, name)(*args, **options))
        except Exception:  # refused, which is no silent difference
            continue
        assert len(there) == len(here)
        for one, other in zip(there, here, strict=True):
            assert one.shape == other.shape
            np.testing.assert_allclose(other.astype("f8"), one.astype("f8"), rtol=1e-4, atol=1e-5)
        n_compared += 1
        if n_compared == 4:
            return
    assert n_compared, f"no arguments fit {name}"


def test_what_is_numpys_alone_is_not_offered():
    for name in ("resize", "view", "load", "random"):
        with pytest.raises(AttributeError):
            getattr(ops, name)
    with pytest.raises(AttributeError, match="images"):
        ops.image  # noqa: B018
