/** What the page shares with exported modules and pages, which are JavaScript. */
type TypedArray =
  | Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array
  | BigInt64Array | BigUint64Array;

declare module "*/runtime/kernel.js" {
  export interface ArrayForm {
    role: "state" | "data" | "argument" | "result" | "temporary" | "constant";
    key: string;
  }
  export interface Form {
    arrays: ArrayForm[];
    checks: string[];
    rows: [number, number | null];
  }
  export interface Part {
    form: Form;
    code: Uint8Array;
    constants: Record<string, TypedArray>;
  }
  export class Kernel {
    static of(part: Part): Promise<Kernel>;
    readonly form: Form;
    readonly memory: WebAssembly.Memory;
    readonly orderAt: number;
    readonly totalsAt: number;
    reserve(batch: number, rows?: number, epochs?: number, orders?: number): void;
    write(key: string, values: TypedArray): void;
    read(key: string): TypedArray;
    run(sizes: number[]): number;
    compute(rows: number): void;
  }
}

declare module "*/runtime/arrays.js" {
  export interface NamedArray {
    data: TypedArray;
    shape: number[];
  }
  export function readTensors(bytes: Uint8Array): { arrays: Map<string, NamedArray>; metadata: Record<string, string> };
  export function readWeights(bytes: Uint8Array | ArrayBuffer): Map<string, NamedArray>;
  export function writeWeights(weights: Map<string, NamedArray>): Uint8Array;
  export function unpacked(text: string): Promise<Uint8Array>;
}

declare module "*/runtime/random.js" {
  export class Random {
    constructor(seed: number | bigint);
    half: number;
    bits(): number;
    shuffle<T extends number[] | Int32Array>(array: T): T;
  }
}

declare module "*/page/csv.js" {
  /** Texts that stand for a missing value. */
  export const MISSING: RegExp;
  export function rowsOfCsv(text: string): { rows: string[][]; separator: string };
  export function readerOf(texts: string[], hadComma: boolean | null, separator: string): (text: string) => number;
}

declare module "*/page/strokes.js" {
  type Strokes = [number, number][][];
  export function slant(strokes: Strokes): number;
  export function bitmapOf(strokes: Strokes, height: number, width: number): Uint8Array;
  export function inkOf(strokes: Strokes, height: number, width: number): Float64Array;
}
