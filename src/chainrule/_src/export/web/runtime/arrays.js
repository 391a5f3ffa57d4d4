// Named arrays: their dtypes, and files in the safetensors format.

/** @typedef {Float32Array|Float64Array|Int8Array|Uint8Array|Int16Array|Uint16Array|Int32Array|Uint32Array|BigInt64Array|BigUint64Array} TypedArray */
/** @typedef {{data: TypedArray, shape: number[]}} NamedArray */

/**
 * NumPy's names of dtypes, and the typed arrays and safetensors' names for them.
 * @type {Record<string, [any, string]>}
 */
const DTYPES = {
  "<f4": [Float32Array, "F32"], "<f8": [Float64Array, "F64"], "|b1": [Uint8Array, "BOOL"],
  "|i1": [Int8Array, "I8"], "|u1": [Uint8Array, "U8"], "<i2": [Int16Array, "I16"],
  "<u2": [Uint16Array, "U16"], "<i4": [Int32Array, "I32"], "<u4": [Uint32Array, "U32"],
  "<i8": [BigInt64Array, "I64"], "<u8": [BigUint64Array, "U64"],
};

export const product = (sizes) => sizes.reduce((a, b) => a * b, 1);

/** Return a view of an array of this dtype in memory. */
export const viewOf = (dtype, buffer, address, length) => new DTYPES[dtype][0](buffer, address, length);

/** Return NumPy's name of the dtype of a typed array. */
export const dtypeOf = (data) => /** @type {string} */ (Object.keys(DTYPES).find((dtype) => data instanceof DTYPES[dtype][0]));

export const isFloat = (data) => data instanceof Float32Array || data instanceof Float64Array;

/** Return numbers as an array of this dtype: the same one if it is of it. */
export function converted(dtype, values) {
  const Kind = DTYPES[dtype][0];
  if (values instanceof Kind) return values;
  if (!dtype.endsWith("8") || dtype === "<f8") return Kind.from(values, Number);
  return Kind.from(values, (value) => BigInt(value));
}

const DEEPEST = 32; // levels of nested arrays

/** True if a value is an array of any kind. */
export const isList = (value) => Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));

/** Return the entries of nested arrays, one behind the other; holes are undefined. */
export function flat(values) {
  if (isList(values) && !Array.isArray(values)) return /** @type {any} */ (values);
  const entries = [];
  const collect = (value, depth) => {
    if (!isList(value)) return entries.push(value);
    if (depth > DEEPEST) throw new Error(`an array is nested in more than ${DEEPEST} others`);
    for (let i = 0; i < value.length; i++) collect(value[i], depth + 1);
  };
  collect(values, 0);
  return entries;
}

/** Return a value as text for a message. */
export function shown(value) {
  if (typeof value === "bigint") return `${value}n`;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

/** Return numbers of JavaScript: 64-bit integers are converted. */
export const plain = (values) =>
  typeof values[0] === "bigint" ? Float64Array.from(values, Number) : values;

/**
 * Read a file in the safetensors format: the arrays whose names begin with the prefix, without it.
 * @param {Uint8Array} bytes
 * @param {string} prefix
 * @returns {{arrays: Map<string, NamedArray>, metadata: Record<string, string>}}
 */
export function readTensors(bytes, prefix = "") {
  /** @type {(reason: string) => never} */
  const refuse = (reason) => {
    throw new Error(`not a file of weights: ${reason}`);
  };
  if (!(bytes instanceof Uint8Array)) refuse("expected a Uint8Array");
  bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length); // Node's Buffer slices otherwise
  if (bytes.length < 8) refuse(`it has ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const start = 8 + Number(view.getBigUint64(0, true));
  if (!(start <= bytes.length)) refuse("its header does not end");
  let header;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  } catch {
    refuse("its header is no JSON");
  }
  if (typeof header !== "object" || header === null) refuse("its header is no table of arrays");
  const { __metadata__: metadata = {}, ...entries } = header;
  const isCount = (number) => Number.isInteger(number) && number >= 0;
  const areCounts = (numbers) => Array.isArray(numbers) && numbers.every(isCount);
  const arrays = new Map();
  for (const [key, entry] of Object.entries(entries)) {
    if (!key.startsWith(prefix)) continue;
    const name = key.slice(prefix.length);
    const { dtype, shape, data_offsets } = entry ?? {};
    if (!areCounts(shape) || !areCounts(data_offsets) || data_offsets.length !== 2) refuse(`${name} is no array`);
    const [begin, end] = data_offsets;
    const [Kind] = Object.values(DTYPES).find((each) => each[1] === dtype) ?? refuse(`${name} is ${dtype}`);
    if (end > bytes.length - start || end - begin !== product(shape) * Kind.BYTES_PER_ELEMENT)
      refuse(`${name} is cut off`);
    const data = new Kind(bytes.slice(start + begin, start + end).buffer);
    arrays.set(name, { data, shape });
  }
  return { arrays, metadata };
}

/** In files of chainrule, the names of weights begin with this. */
const PREFIX = "weights/";
const METADATA = { format: "chainrule", version: "1", kind: "weights", document: "{}" };

/** Read the weights of a file that Python or a page wrote. */
export const readWeights = (bytes) =>
  readTensors(bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes, PREFIX).arrays;

/**
 * Return the bytes of a file of weights in the safetensors format; Python reads it, too.
 * @param {Map<string, NamedArray>} weights
 */
export function writeWeights(weights) {
  const sorted = [...weights].sort((a, b) => b[1].data.BYTES_PER_ELEMENT - a[1].data.BYTES_PER_ELEMENT);
  const header = Object.assign(Object.create(null), { __metadata__: METADATA });
  let position = 0;
  for (const [name, { data, shape }] of sorted) {
    const [, dtype] = DTYPES[dtypeOf(data)];
    header[PREFIX + name] = { dtype, shape, data_offsets: [position, (position += data.byteLength)] };
  }
  let text = JSON.stringify(header);
  const encoder = new TextEncoder();
  text += " ".repeat(-encoder.encode(text).length & 7);
  const head = encoder.encode(text);
  const bytes = new Uint8Array(8 + head.length + position);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(head.length), true);
  bytes.set(head, 8);
  let at = 8 + head.length;
  for (const [, { data }] of sorted) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/** Decompress base64 of deflated bytes. */
export async function unpacked(text) {
  /** @type {Uint8Array<ArrayBuffer>} */
  const packed = /** @type {any} */ (Uint8Array).fromBase64?.(text) ?? Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const zlib = globalThis.process?.getBuiltinModule?.("zlib"); // Node loads its streams slowly
  if (zlib) return new Uint8Array(zlib.inflateRawSync(packed));
  const stream = new Response(packed).body?.pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
