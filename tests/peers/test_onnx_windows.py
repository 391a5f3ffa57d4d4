"""Convolutions written as ONNX, with PyTorch as the judge."""

import numpy as np
import torch
from tests.export.onnx.test_model import assert_equal, operations, run
from tests.export.onnx.test_windows import single, windows

from chainrule.onnx import onnx_model


def test_convolution_along_one_axis_against_pytorch():
    x, kernel = single(4, 9, 2), single(3, 2, 5)

    def f(k, x):
        return np.einsum("nlcw,wcf->nlf", windows(x, 3, axis=1)[:, ::2], k)

    model = onnx_model(f, kernel, x)
    assert "Conv" in operations(model)
    wanted = torch.nn.functional.conv1d(
        torch.tensor(x.transpose(0, 2, 1)), torch.tensor(kernel.transpose(2, 1, 0)), stride=2
    )
    found = [one[0] for one in run(model, x)]
    assert_equal(found, wanted.numpy().transpose(0, 2, 1))
