/** The anatomy of a tiny network, written by hand as the compiler tells it: tanh(X W + b) against y, mean of squares. */
import type { Anatomy, Equation, Operand } from "../src/host";

const at = (name: string, strides: number[], offset = 0): Operand => ({ name, offset, strides });
const number = (value: number): Operand => ({ value, offset: 0, strides: [] });
const make = (
  name: string, shape: number[], part: Equation["part"], line: number, op: string, operands: Operand[],
  adjoint: string | null = null, reduce: string | null = null, axes: number[] = [],
): Equation => ({
  name, shape, part, line, adjoint, code: `${name} = …`, formula: `<math><mi>${name}</mi></math>`,
  uses: operands.flatMap((operand) => (operand.name ? [operand.name] : [])), entry: { op, reduce, axes, operands },
});

export const TINY: Anatomy = {
  inputs: [
    { name: "W", role: "params", key: "W", shape: [2, 3] },
    { name: "b", role: "params", key: "b", shape: [3] },
    { name: "X", role: "X", key: null, shape: [1, 2] },
    { name: "y", role: "y", key: null, shape: [1] },
  ],
  lines: [
    { code: "h = np.tanh(X @ W + b)", shape: [1, 3], part: "forward", formula: "" },
    { code: "error = h - y", shape: [1, 3], part: "forward", formula: "" },
    { code: "loss = np.mean(error ** 2)", shape: [], part: "forward", formula: "" },
    { code: "d_error = 2 / 3 * error", shape: [1, 3], part: "backward", formula: "" },
    { code: "t1 = d_error * (1 - h ** 2)", shape: [1, 3], part: "backward", formula: "" },
    { code: "d_b = np.sum(t1, axis=0)", shape: [3], part: "backward", formula: "" },
    { code: "d_W = X.T @ t1", shape: [2, 3], part: "backward", formula: "" },
    { code: "d_X = t1 @ W.T", shape: [1, 2], part: "backward", formula: "" },
  ],
  equations: [
    make("a", [1, 3], "forward", 0, "multiply", [at("X", [2, 0, 1]), at("W", [0, 1, 3])], null, "sum", [2]),
    make("z", [1, 3], "forward", 0, "add", [at("a", [3, 1]), at("b", [0, 1])], "t1"),
    make("h", [1, 3], "forward", 0, "tanh", [at("z", [3, 1])]),
    make("error", [1, 3], "forward", 1, "subtract", [at("h", [3, 1]), at("y", [0, 0])], "d_error"),
    make("total", [], "forward", 2, "square", [at("error", [3, 1])], null, "sum", [1, 3]),
    make("loss", [], "forward", 2, "divide", [at("total", []), number(3)]),
    make("d_error", [1, 3], "backward", 3, "multiply", [number(2 / 3), at("error", [3, 1])]),
    make("s", [1, 3], "backward", 4, "square", [at("h", [3, 1])]),
    make("r", [1, 3], "backward", 4, "subtract", [number(1), at("s", [3, 1])]),
    make("t1", [1, 3], "backward", 4, "multiply", [at("d_error", [3, 1]), at("r", [3, 1])]),
    make("d_b", [3], "backward", 5, "copy", [at("t1", [1, 3])], null, "sum", [1]),
    make("d_W", [2, 3], "backward", 6, "multiply", [at("X", [1, 0, 2]), at("t1", [0, 1, 3])], null, "sum", [1]),
    make("d_X", [1, 2], "backward", 7, "multiply", [at("t1", [3, 0, 1]), at("W", [0, 3, 1])], null, "sum", [3]),
  ],
  loss: "loss",
  output: "h",
  gradients: { W: "d_W", b: "d_b" },
  input_gradient: "d_X",
  script: `[
    (v) => { const o = v.a = new Float64Array(3); for (let j = 0; j < 3; j++) for (let k = 0; k < 2; k++) o[j] += v.X[k] * v.W[3 * k + j]; },
    (v) => { v.z = v.a.map((x, j) => x + v.b[j]); },
    (v) => { v.h = v.z.map(Math.tanh); },
    (v) => { v.error = v.h.map((x) => x - v.y[0]); },
    (v) => { v.total = new Float64Array(1); for (const x of v.error) v.total[0] += x * x; },
    (v) => { v.loss = v.total.map((x) => x / 3); },
    (v) => { v.d_error = v.error.map((x) => 2 / 3 * x); },
    (v) => { v.s = v.h.map((x) => x * x); },
    (v) => { v.r = v.s.map((x) => 1 - x); },
    (v) => { v.t1 = v.d_error.map((x, j) => x * v.r[j]); },
    (v) => { v.d_b = v.t1.slice(); },
    (v) => { const o = v.d_W = new Float64Array(6); for (let i = 0; i < 6; i++) o[i] = v.X[Math.floor(i / 3)] * v.t1[i % 3]; },
    (v) => { const o = v.d_X = new Float64Array(2); for (let k = 0; k < 2; k++) for (let j = 0; j < 3; j++) o[k] += v.t1[j] * v.W[3 * k + j]; },
  ]`,
};
export const PARAMETERS = { W: [0.3, -0.8, 0.5, 1.2, 0.1, -0.4], b: [0.05, -0.2, 0.4] };
