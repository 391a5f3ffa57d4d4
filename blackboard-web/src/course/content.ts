/** What a page without Python trains with: an index of lessons, and packs of data and kernels. */
import { Kernel, type Form } from "../../../src/chainrule/_src/export/web/runtime/kernel.js";
import { readTensors, unpacked, type NamedArray } from "../../../src/chainrule/_src/export/web/runtime/arrays.js";
import type { Setup, Values } from "../host";
import type { Sizes } from "./sizes";
import type { Limits, Task } from "./table";

/** A network that the page has kernels for: the names of its packs. */
export interface NetworkEntry {
  pack: string;
  mistakes: string | null;
}

export interface Lesson {
  name: string;
  title: string;
  kind: string;
  /** The pack of its data. */
  data: string;
  settings: Setup["settings"];
  scenes: boolean;
  /** By layers and activation; see `networkKey`. */
  networks: Record<string, NetworkEntry>;
  /** Every epoch takes the samples in a new order. */
  shuffles: boolean;
}

/** Texts and thresholds of notices, which Python tells. */
export interface NoticeRules {
  texts: Record<string, string>;
  limits: Record<string, number>;
}

export interface Index {
  lessons: Lesson[];
  notices: NoticeRules;
  scenes: unknown[];
  /** Lessons for tables that a reader brings. */
  own?: Limits & { lessons: Record<Task, Lesson> };
}

export interface NetworkDocument {
  /** The network's part of the page's setup. */
  setup: Omit<Setup, "type" | "arrays" | "data" | "settings" | "scenes">;
  /** Samples at which slopes are looked at. */
  probed: number;
  /** By the name of initial weights: each parameter in the order of drawing, and limit and scale of its uniform numbers. */
  draws: Record<string, [string, number, number][]>;
  kernels: Record<string, Form>;
  /** Of a network that takes tables of any size; its texts have marks in the place of sizes. */
  sizes?: Sizes;
}
export interface MistakesDocument {
  diagnoses: Record<string, string>;
  kernels: Record<string, Form>;
}
export interface DataDocument {
  data: Setup["data"];
  /** Samples that the page gets, at most. */
  shown: number;
}

/** Where packs come from: base64 of deflated bytes, by name. */
export type Source = (name: string) => Promise<string>;

export interface Pack<Document> {
  document: Document;
  arrays: Map<string, NamedArray>;
}

/** All packs of a page; each is read once. */
export class Content {
  private readonly packs = new Map<string, Promise<Pack<unknown>>>();

  constructor(
    readonly index: Index,
    private readonly source: Source,
  ) {}

  pack<Document>(name: string): Promise<Pack<Document>> {
    let pack = this.packs.get(name);
    if (!pack) this.packs.set(name, (pack = this.read(name)));
    return pack as Promise<Pack<Document>>;
  }

  /** Have a pack that the page has made itself. */
  put<Document>(name: string, pack: Pack<Document>): void {
    this.packs.set(name, Promise.resolve(pack));
  }

  private async read(name: string): Promise<Pack<unknown>> {
    const { arrays, metadata } = readTensors(await unpacked(await this.source(name)));
    return { document: JSON.parse(metadata.document!), arrays };
  }
}

/** Return a kernel of a pack, ready to run. */
export function kernelOf({ document, arrays }: Pack<{ kernels: Record<string, Form> }>, name: string): Promise<Kernel> {
  const form = document.kernels[name]!;
  const constants: Record<string, TypedArray> = {};
  for (const { role, key } of form.arrays)
    if (role === "constant") constants[key] = arrays.get(`constant/${name}/${key}`)!.data;
  return Kernel.of({ form, constants, code: arrays.get(`code/${name}`)!.data as Uint8Array });
}

/** The name of the network that settings ask for: without hidden layers the activation does not matter. */
export function networkKey({ layers, activation }: Values): string {
  return layers?.length ? `${layers.join("-")} ${activation}` : "";
}
