/** The anatomy of the made-up network, by hand: what the compiler tells of a real one. */
import type { Anatomy, Entry, Equation, Line, Operand } from "../host";
import type { Layer } from "./net";

const ROW = "<math display='block'><mrow>";

const id = (name: string) => {
  const [base, below] = name.replace(/^d_/, "").split("_");
  const plain = below ? `<msub><mi>${base}</mi><mi>${below}</mi></msub>` : `<mi>${base}</mi>`;
  return name.startsWith("d_") ? `<mover accent='true'>${plain}<mo>¯</mo></mover>` : plain;
};
const is = (name: string, right: string) => `${ROW}${id(name)}<mo>=</mo>${right}</mrow></math>`;
const operand = (name: string, strides: number[]): Operand => ({ name, offset: 0, strides });

export function anatomy(net: Layer[], activation: string, learn: boolean): Anatomy {
  const equations: Equation[] = [];
  const lines: Line[] = [];
  const script: string[] = [];
  const shapes: Record<string, number[]> = { X: [1, net[0]!.inputs] };
  const add = (part: "forward" | "backward", name: string, code: string, right: string, shape: number[], uses: string[], entry: Entry | null, body: string) => {
    shapes[name] = shape;
    const formula = is(name, right);
    lines.push({ code: `${name} = ${code}`, shape, part, formula });
    const adjoint = learn && part === "forward" && name !== "loss" ? `d_${name}` : null;
    equations.push({ name, code, formula, shape, part, line: lines.length - 1, adjoint, uses, entry });
    const size = shape.reduce((a, b) => a * b, 1);
    script.push(`(v) => { const out = v["${name}"] = new Float64Array(${size}); ${body} }`);
  };
  const product = (part: "forward" | "backward", name: string, [a, b]: [string, string], code: string, right: string, shape: number[], inner: number, sa: number[], sb: number[]) => {
    const entry = { op: "multiply", reduce: "sum", axes: [inner], operands: [operand(a, sa), operand(b, sb)] };
    const body = `const a = v["${a}"], b = v["${b}"]; for (let i = 0; i < ${shape[0]}; i++) for (let j = 0; j < ${shape[1]}; j++) {
      let sum = 0; for (let s = 0; s < ${inner}; s++) sum += a[i * ${sa[0]} + s * ${sa[2]}] * b[j * ${sb[1]} + s * ${sb[2]}]; out[i * ${shape[1]} + j] = sum; }`;
    add(part, name, code, right, shape, [a, b], entry, body);
  };
  const curve = { sigmoid: "1 / (1 + Math.exp(-z))", tanh: "Math.tanh(z)", relu: "Math.max(0, z)" }[activation];

  let h = "X";
  net.forEach((layer, l) => {
    const { name, inputs, outputs } = layer;
    const shape = [1, outputs];
    product("forward", `a_${name}`, [h, `W_${name}`], `${h} @ W_${name}`, `${id(h)}${id(`W_${name}`)}`, shape, inputs, [inputs, 0, 1], [0, 1, outputs]);
    add("forward", `z_${name}`, `a_${name} + b_${name}`, `${id(`a_${name}`)}<mo>+</mo>${id(`b_${name}`)}`, shape, [`a_${name}`, `b_${name}`],
      { op: "add", reduce: null, axes: [], operands: [operand(`a_${name}`, [outputs, 1]), operand(`b_${name}`, [0, 1])] },
      `const a = v["a_${name}"], b = v["b_${name}"]; for (let j = 0; j < out.length; j++) out[j] = a[j] + b[j];`);
    if (l === net.length - 1) return;
    add("forward", name, `${activation}(z_${name})`, `<mi>${activation}</mi><mo stretchy="false">(</mo>${id(`z_${name}`)}<mo stretchy="false">)</mo>`, shape, [`z_${name}`], null,
      `const a = v["z_${name}"]; for (let j = 0; j < out.length; j++) { const z = a[j]; out[j] = ${curve}; }`);
    h = name;
  });
  const last = net[net.length - 1]!;
  add("forward", "y", "softmax(z_o)", `<mi>softmax</mi><mo stretchy="false">(</mo>${id("z_o")}<mo stretchy="false">)</mo>`, [1, last.outputs], ["z_o"], null,
    `const a = v["z_o"], most = Math.max(...a); let sum = 0; for (let j = 0; j < out.length; j++) sum += out[j] = Math.exp(a[j] - most); for (let j = 0; j < out.length; j++) out[j] /= sum;`);
  const gradients: Record<string, string> = {};
  if (learn) {
    add("forward", "loss", "-np.mean(np.log(y[0, Y]))", `<mo>−</mo><mi>log</mi><msub>${id("y")}<mi>Y</mi></msub>`, [], ["y", "Y"], null, `out[0] = -Math.log(v["y"][v["Y"][0]]);`);
    add("backward", "d_z_o", "y - one_hot(Y)", `${id("y")}<mo>−</mo><msub><mi>e</mi><mi>Y</mi></msub>`, [1, last.outputs], ["y", "Y"], null,
      `const a = v["y"]; for (let j = 0; j < out.length; j++) out[j] = a[j] - (j === v["Y"][0] ? 1 : 0);`);
    for (let l = net.length - 1; l >= 0; l--) {
      const { name, inputs, outputs } = net[l]!;
      const below = l ? net[l - 1]!.name : "X";
      gradients[`W_${name}`] = `d_W_${name}`;
      gradients[`b_${name}`] = `d_b_${name}`;
      product("backward", `d_W_${name}`, [below, `d_z_${name}`], `${below}.T @ d_z_${name}`, `<msup>${id(below)}<mo>⊤</mo></msup>${id(`d_z_${name}`)}`, [inputs, outputs], 1, [1, 0, inputs], [0, 1, outputs]);
      add("backward", `d_b_${name}`, `d_z_${name}[0]`, id(`d_z_${name}`), [outputs], [`d_z_${name}`],
        { op: "copy", reduce: null, axes: [], operands: [operand(`d_z_${name}`, [1])] }, `out.set(v["d_z_${name}"]);`);
      product("backward", `d_${below}`, [`d_z_${name}`, `W_${name}`], `d_z_${name} @ W_${name}.T`, `${id(`d_z_${name}`)}<msup>${id(`W_${name}`)}<mo>⊤</mo></msup>`, [1, inputs], outputs, [outputs, 0, 1], [0, outputs, 1]);
      if (l) add("backward", `d_z_${below}`, `d_${below} * slope(${below})`, `${id(`d_${below}`)}<mo>⊙</mo><msup><mi>g</mi><mo>′</mo></msup><mo stretchy="false">(</mo>${id(`z_${below}`)}<mo stretchy="false">)</mo>`, [1, inputs], [`d_${below}`, below], null,
        `const a = v["d_${below}"], b = v["${below}"]; for (let j = 0; j < out.length; j++) { const h = b[j]; out[j] = a[j] * (${{ sigmoid: "h * (1 - h)", tanh: "1 - h * h", relu: "h > 0 ? 1 : 0" }[activation]}); }`);
    }
  }
  const inputs: Anatomy["inputs"] = net.flatMap(({ name, inputs: m, outputs: n }) => [
    { name: `W_${name}`, role: "params" as const, key: `W_${name}`, shape: [m, n] },
    { name: `b_${name}`, role: "params" as const, key: `b_${name}`, shape: [n] },
  ]);
  inputs.push({ name: "X", role: "X", key: null, shape: shapes.X! });
  if (learn) inputs.push({ name: "Y", role: "y", key: null, shape: [1] });
  return { inputs, lines, equations, loss: learn ? "loss" : null, output: "y", gradients, input_gradient: learn ? "d_X" : null, script: `[${script.join(",\n")}]` };
}

