"""Layers that are called and know how to go back, gradients kept beside the values."""

import numpy as np
from tests.check.collection import Run, Wrong


class Tens:
    """A value ``v`` and what flows back to it, ``g``."""

    def __init__(self, v):
        self.v = v
        self.g = None


class Module:
    def __call__(self, *args):
        self.args = args
        self.out = self.forward(*args)
        return self.out

    def backward(self):
        self.bwd(self.out, *self.args)


class Lin(Module):
    def __init__(self, w, b):
        self.w, self.b = w, b

    def forward(self, inp):
        return Tens(inp.v @ self.w.v + self.b.v)

    def bwd(self, out, inp):
        inp.g = out.g @ self.w.v.T
        self.w.g = (inp.v[:, :, None] * out.g[:, None, :]).sum(0)
        self.b.g = out.g.sum(0)


class ShiftedRelu(Module):
    def forward(self, inp):
        return Tens(np.clip(inp.v, 0.0, None) - 0.5)

    def bwd(self, out, inp):
        inp.g = (inp.v > 0) * out.g


class BatchNorm(Module):
    def __init__(self, mults, adds, eps=1e-5):
        self.mults, self.adds, self.eps = mults, adds, eps

    def forward(self, inp):
        self.mean = inp.v.mean(0)
        self.std = np.sqrt(inp.v.var(0) + self.eps)
        self.xh = (inp.v - self.mean) / self.std
        return Tens(self.xh * self.mults.v + self.adds.v)

    def bwd(self, out, inp):
        n = len(out.g)
        self.mults.g = (out.g * self.xh).sum(0)
        self.adds.g = out.g.sum(0)
        gxh = out.g * self.mults.v
        gvar = (gxh * (inp.v - self.mean)).sum(0) * -0.5 * self.std**-3
        gmean = -(gxh / self.std).sum(0)
        inp.g = gxh / self.std + gvar * 2 * (inp.v - self.mean) / n + gmean / n


class Mse(Module):
    def forward(self, inp, targ):
        diff = inp.v[:, 0] - targ
        return Tens((diff**2).mean())

    def bwd(self, out, inp, targ):
        inp.g = 2 * (inp.v[:, 0] - targ)[:, None] / targ.shape[0]


class Model:
    def __init__(self, ps):
        t = [Tens(p) for p in ps]
        self.ps = t
        self.layers = [
            Lin(t[0], t[1]),
            BatchNorm(t[2], t[3]),
            ShiftedRelu(),
            Lin(t[4], t[5]),
            ShiftedRelu(),
            Lin(t[6], t[7]),
        ]
        self.loss = Mse()

    def __call__(self, x, targ):
        x = Tens(x)
        for l in self.layers:
            x = l(x)
        return self.loss(x, targ)

    def backward(self):
        self.loss.backward()
        for l in reversed(self.layers):
            l.backward()
        return [p.g for p in self.ps]


def loss(ps, x, targ):
    return Model(ps)(x, targ).v


def gradients(ps, x, targ):
    model = Model(ps)
    model(x, targ)
    return model.backward()


def problem(rng, n=6, d=3, h=4):
    ps = [
        rng.normal(size=(d, h)),
        rng.normal(size=h) * 0.2,
        1 + 0.3 * rng.normal(size=h),
        0.3 * rng.normal(size=h),
        rng.normal(size=(h, h)) * 0.7,
        rng.normal(size=h) * 0.2,
        rng.normal(size=(h, 1)),
        rng.normal(size=1),
    ]
    return ps, rng.normal(size=(n, d)), rng.normal(size=n)


RUNS = {"model": Run("loss", "gradients", problem, {"n": 200, "d": 50, "h": 30})}


def wrong(style, right, mistaken, said, *also):
    return Wrong(style, right, mistaken, said, "model", also)


RELU = r"relu|slope|derivative|> 0|mask"
WRONG = [
    wrong(
        "Lin.bwd",
        "(inp.v[:, :, None] * out.g[:, None, :]).sum(0)",
        "(inp.v[:, :, None] * out.g[:, None, :]).mean(0)",
        r"mean|average|sum",
    ),
    wrong("Lin.bwd", "self.b.g = out.g.sum(0)", "self.b.g = out.g.sum()", r"axis|shape|sum|\(0\)"),
    wrong(
        "Lin.bwd", "self.b.g = out.g.sum(0)", "self.b.g = out.g[0]", r"sum|sample|first|\[0\]|row"
    ),
    wrong(
        "Lin.bwd",
        "(inp.v[:, :, None] * out.g[:, None, :]).sum(0)",
        "(inp.v.sum(0)[:, None] * out.g.sum(0)[None, :])",
        r"sum|product|order|sample|outer",
    ),
    wrong(
        "ShiftedRelu.bwd",
        "inp.g = (inp.v > 0) * out.g",
        "inp.g = (out.v > 0) * out.g",
        RELU + r"|out\.v|inp\.v",
    ),
    wrong("ShiftedRelu.bwd", "inp.g = (inp.v > 0) * out.g", "inp.g = out.g", RELU),
    wrong(
        "ShiftedRelu.bwd",
        "inp.g = (inp.v > 0) * out.g",
        "inp.g = (inp.v > 0) * (out.g - 0.5)",
        r"0\.5|shift|constant|subtract|minus",
    ),
    wrong(
        "ShiftedRelu.bwd",
        "(inp.v > 0) * out.g",
        "(inp.v > 0).astype(float)",
        r"out\.g|chain|missing|multipl|factor|incoming|upstream",
    ),
    wrong("ShiftedRelu.bwd", "(inp.v > 0) * out.g", "inp.v * out.g", RELU + r"|inp\.v"),
    wrong("BatchNorm.bwd", "self.std**-3", "self.std**-2", r"power|\*\* ?-|std|root|exponent"),
    wrong("BatchNorm.bwd", " * -0.5 * ", " * 0.5 * ", r"sign|minus|negat"),
    wrong("BatchNorm.bwd", " + gmean / n", "", r"mean|path|term|missing|left out"),
    wrong(
        "BatchNorm.bwd",
        "gvar * 2 * (inp.v - self.mean) / n",
        "gvar * (inp.v - self.mean) / n",
        r"factor|\b2\b|twice|half",
    ),
    wrong(
        "BatchNorm.bwd",
        "self.mults.g = (out.g * self.xh).sum(0)",
        "self.mults.g = (out.g * inp.v).sum(0)",
        r"xh|inp\.v|normal",
    ),
    wrong(
        "BatchNorm.bwd",
        "gxh = out.g * self.mults.v",
        "gxh = out.g * self.mults.g",
        r"mults\.v|mults\.g|\bv\b",
    ),
    wrong(
        "BatchNorm.bwd",
        " + gvar * 2 * (inp.v - self.mean) / n",
        "",
        r"var|path|term|missing|left out",
    ),
    wrong(
        "Mse.bwd",
        "(inp.v[:, 0] - targ)[:, None] / targ.shape[0]",
        "(inp.v[:, 0] - targ)[:, None]",
        r"average|divi|mean|shape",
    ),
    wrong(
        "Mse.bwd",
        "2 * (inp.v[:, 0] - targ)[:, None]",
        "2 * (targ - inp.v[:, 0])[:, None]",
        r"sign|minus|order|swap|negat",
    ),
    wrong(
        "Mse.bwd",
        "2 * (inp.v[:, 0] - targ)[:, None] / targ.shape[0]",
        "2 * (inp.v - targ).mean(1, keepdims=True) / targ.shape[0]",
        r"broadcast|shape|\(n, 1\)|mean|\[:, 0\]|column|axis",
    ),
    wrong(
        "BatchNorm.bwd",
        (" + gmean / n", "self.std**-3"),
        (" + gmean", "self.std**-1"),
        (r"average|divi|mean|\bn\b", r"power|\*\* ?-|std|root|exponent"),
    ),
    Wrong(
        "BatchNorm.bwd",
        (" + gmean / n", "gxh = out.g * self.mults.v"),
        ("", "gxh = out.g * self.mults.g"),
        ("mean|path|term|missing|left out", r"mults\.v|mults\.g|\bv\b"),
        "model",
    ),
    Wrong(
        "Lin.bwd",
        ("(inp.v[:, :, None] * out.g[:, None, :]).sum(0)", "self.b.g = out.g.sum(0)"),
        ("(inp.v[:, :, None] * out.g[:, None, :]).mean(0)", "self.b.g = out.g.sum()"),
        ("mean|average|sum", r"axis|shape|sum|\(0\)"),
        "model",
    ),
]
