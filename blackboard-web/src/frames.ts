/** Messages as bytes: a header in JSON and the arrays behind it, each at a multiple of eight. */
import type { Arrays, Bytes, Data, Shaped, Told } from "./host";

const KINDS = {
  float64: Float64Array,
  float32: Float32Array,
  int32: Int32Array,
  uint8: Uint8Array,
} as const;
type Kind = keyof typeof KINDS;
interface Place {
  dtype: Kind;
  shape: number[];
  offset: number;
}

const text = new TextDecoder();

/** The message in these bytes; its arrays are views of them, nothing is copied. */
export function decode(bytes: Bytes): Told & { arrays: Arrays } {
  const { buffer, start } = aligned(bytes);
  const size = new DataView(buffer, start, 4).getUint32(0, true);
  const header = JSON.parse(text.decode(new Uint8Array(buffer, start + 4, size)));
  const behind = start + 4 + size;
  const arrays: Arrays = {};
  for (const [name, place] of Object.entries<Place>(header.arrays ?? {})) {
    const count = place.shape.reduce((product, n) => product * n, 1);
    arrays[name] = {
      data: new KINDS[place.dtype](buffer, behind + place.offset, count),
      shape: place.shape,
    };
  }
  header.arrays = arrays;
  return header;
}

/** Typed arrays begin at multiples of eight: bytes that don't (parts of a larger message) are copied. */
function aligned(bytes: Bytes): { buffer: ArrayBuffer; start: number } {
  if (bytes instanceof ArrayBuffer) return { buffer: bytes, start: 0 };
  const { buffer, byteOffset, byteLength } = bytes;
  if (byteOffset % 8 === 0) return { buffer: buffer as ArrayBuffer, start: byteOffset };
  return { buffer: buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer, start: 0 };
}

/** The bytes of a message (for hosts that answer in the page itself). */
export function encode(message: object, arrays: Arrays = {}): ArrayBuffer {
  const places: Record<string, Place> = {};
  let end = 0;
  for (const [name, { data, shape }] of Object.entries(arrays)) {
    places[name] = { dtype: kind(data), shape, offset: end };
    end += Math.ceil(data.byteLength / 8) * 8;
  }
  const header = new TextEncoder().encode(JSON.stringify({ ...message, arrays: places }));
  const size = Math.ceil((4 + header.length) / 8) * 8 - 4;
  const bytes = new Uint8Array(4 + size + end);
  new DataView(bytes.buffer).setUint32(0, size, true);
  bytes.fill(32, 4, 4 + size);
  bytes.set(header, 4);
  for (const [name, { data }] of Object.entries(arrays))
    bytes.set(
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      4 + size + places[name]!.offset,
    );
  return bytes.buffer;
}

function kind(data: Data): Kind {
  if (data instanceof Float64Array) return "float64";
  if (data instanceof Float32Array) return "float32";
  return data instanceof Int32Array ? "int32" : "uint8";
}

export function shaped<T extends Data>(data: T, ...shape: number[]): Shaped<T> {
  return { data, shape };
}
