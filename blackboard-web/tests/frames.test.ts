import { expect, test } from "vitest";
import { decode, encode, shaped } from "../src/frames";

const arrays = {
  "p:W": shaped(new Float64Array([1.5, -2, 1e-300, Infinity]), 2, 2),
  guess: shaped(new Int32Array([3, 1, 2]), 3),
  sure: shaped(new Float32Array([0.5]), 1),
  bytes: shaped(new Uint8Array([255, 0, 7]), 3),
  none: shaped(new Float64Array(0), 0, 4),
};

test("a message comes back as it was", () => {
  const message = decode(encode({ type: "frame", branch: "Zweig ✓", update: 7, loss: null }, arrays));
  expect(message).toMatchObject({ type: "frame", branch: "Zweig ✓", update: 7, loss: null });
  expect(message.arrays).toEqual(arrays);
});

test("arrays are views of the bytes, at multiples of eight", () => {
  const bytes = encode({ type: "frame" }, arrays);
  for (const { data } of Object.values(decode(bytes).arrays)) {
    expect(data.buffer).toBe(bytes);
    expect(data.byteOffset % 8).toBe(0);
  }
});

test("bytes inside a larger message are read wherever they begin", () => {
  const bytes = new Uint8Array(encode({ type: "frame" }, arrays));
  for (const offset of [0, 3, 8]) {
    const larger = new Uint8Array(bytes.length + 16);
    larger.set(bytes, offset);
    expect(decode(new DataView(larger.buffer, offset, bytes.length)).arrays).toEqual(arrays);
    expect(decode(larger.subarray(offset, offset + bytes.length)).arrays).toEqual(arrays);
  }
});

test("a message without arrays has none", () => {
  expect(decode(encode({ type: "done", id: 1 }))).toEqual({ type: "done", id: 1, arrays: {} });
});
