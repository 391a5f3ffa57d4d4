/** What passes between the page and its host: a server, a notebook, or a recorded run in the file. */

export type Num = number | null; // numbers that are not finite arrive as null
export type Data = Float64Array | Float32Array | Int32Array | Uint8Array;

export interface Shaped<T extends Data = Data> {
  data: T;
  shape: number[];
}
export type Arrays = Record<string, Shaped>;

/** The part of anywidget's model that the page uses. */
export interface Model {
  send(message: Ask): void;
  on(event: "msg:custom", heard: (content: unknown, buffers: Bytes[]) => void): void;
  off(event: "msg:custom", heard?: (content: unknown, buffers: Bytes[]) => void): void;
  get?(key: string): unknown;
  set?(key: string, value: unknown): void;
  save_changes?(): void;
  /** Where settings of the page are kept; without it, in the model's trait `place`. */
  place?: Place;
  /** Tells whether the host can be reached; without it, it always can. */
  watch?(changed: (state: Connection) => void): void;
  close?(): void;
}
export type Bytes = ArrayBuffer | DataView | Uint8Array;
export type Connection = "connecting" | "open" | "lost" | "refused";
export interface Place {
  read(): string;
  write(text: string): void;
  /** Somebody else has written there (followed a link): returns how to stop listening. */
  watch?(changed: () => void): () => void;
}

export interface Values {
  layers?: number[];
  activation?: string;
  init?: string;
  optimizer?: string;
  seed?: number;
  rate?: number;
  batch_size?: number;
  momentum?: number;
}
export type Flight = Pick<Values, "rate" | "batch_size" | "momentum">;
export interface Stop {
  epoch?: number;
  loss?: number;
  accuracy?: number;
}

export type Ask = { id?: number } & (
  | { do: "hello" | "pause" | "epoch" | "fork" }
  /** Frames that came are on the screen: the host may send others. */
  | { do: "drawn" }
  /** Of gradient and change, frames need hold no more than this page shows. */
  | { do: "pictures"; of: "weights" | "gradient" | "change"; page: number }
  | { do: "play"; rate: number | null }
  | { do: "step"; count: number }
  | { do: "seek"; update: number }
  | ({ do: "set" } & Flight)
  | { do: "restart"; settings?: Values }
  | ({ do: "stop" } & Stop)
  | { do: "show" | "drop"; branch: string }
  | { do: "train_on"; x: number[]; y: number }
  | { do: "mark"; clear?: true }
  | { do: "mistake"; name: string | null }
  /** Of a page without Python: another of its lessons. */
  | { do: "lesson"; name: string }
  /** Of a page without Python: a table to train with, as the text of a CSV file. */
  | { do: "table"; name: string; text: string; target?: string }
  /** Another column of that table to predict. */
  | { do: "retarget"; target: string }
  | { do: "take"; what: "weights" | "module" | "replay" | "cell" }
  /** Of a lab's exercises: what the keys of `chainrule learn` ask for. */
  | { do: "ask"; name: "hint" | "list" | "solution" | "reset" | "look" }
  | { do: "save"; name: string; before: string; text: string }
);

export interface Unit {
  name: string;
  weights: string;
  bias: string | null;
  out: string;
}
export interface Operand {
  name?: string;
  /** A number, or the entries of a constant. */
  value?: number | number[];
  offset: number;
  strides: number[];
  /** What is picked by an index: entries of these, times `step`, are added; before that `size` to negative ones. */
  picks?: (Operand & { step: number; size: number })[];
}
export interface Entry {
  op: string;
  reduce: string | null;
  axes: number[];
  operands: Operand[];
}
export interface Line {
  code: string;
  /** Of what it sets; null if that is none of the values (a line of a loop). */
  shape: number[] | null;
  part: "forward" | "backward";
  formula: string;
}
export interface Equation {
  name: string;
  code: string;
  formula: string;
  shape: number[];
  part: "forward" | "backward";
  line: number;
  adjoint: string | null;
  uses: string[];
  entry: Entry | null;
}
export interface Anatomy {
  inputs: { name: string; role: "params" | "X" | "y"; key: string | null; shape: number[] }[];
  lines: Line[];
  equations: Equation[];
  loss: string | null;
  output: string | null;
  gradients: Record<string, string>;
  input_gradient: string | null;
  /** The code of the equations; in files, the keys and arguments of functions that all networks share. */
  script: string | [string, ...unknown[]][];
}

export interface Mistake {
  name: string;
  title: string;
  right: string;
  wrong: string;
  /** What the check says of it, while it is trained with. */
  diagnosis?: string;
}
export interface Setup {
  type: "setup";
  data: {
    name: string;
    classes: string[] | null;
    features: string[];
    image: [number, number] | null;
    /** Steps and values per step, of samples that are sequences. */
    sequence?: [number, number] | null;
    /** What is predicted, and how its numbers were scaled: y = (raw − mean) / scale. */
    target?: { name: string; mean: number; scale: number } | null;
    /** The largest raw number of a picture; the smallest is 0. */
    ink?: number;
    count: number;
    held: number;
    /** Of a reader's own table: its columns. */
    columns?: string[];
  };
  model: { title: string; kind: string };
  parameters: { name: string; shape: number[] }[];
  units: Unit[];
  settings: {
    values: Values;
    choices: { activation?: string[]; init?: string[]; optimizer?: string[]; layers?: number[][] };
    in_flight: (keyof Flight)[];
    limits: Partial<Record<keyof Values, [number, number]>>;
    restart: (keyof Values)[];
  };
  anatomy: { predict: Anatomy | null; learn: Anatomy | null };
  mistakes: Mistake[];
  scenes: unknown[];
  /** Of a page without Python: what is ready in it, and which of it this is. */
  lessons?: { name: string; title: string }[];
  lesson?: string;
  /** Of a page without Python: it takes tables. */
  tables?: boolean;
  /** What can be taken away; left out: all. */
  takes?: string[];
  /** Of a run that was recorded, the updates there are; it cannot be changed. */
  recorded?: number[];
  arrays: Arrays;
}
export interface Frame {
  type: "frame";
  /** The run shown, of those there are. */
  branch: string;
  branches: string[];
  update: number;
  head: number;
  /** Epochs behind it: whole ones, and all with the part of the last. */
  epoch: number;
  epochs: number;
  playing: boolean;
  speed: Num;
  loss: Num;
  held_loss?: Num;
  held_accuracy?: Num;
  settings: Values;
  stop: Stop;
  marked: number | null;
  exact: boolean;
  scored?: number;
  arrays: Arrays;
}
export interface CurvesPart {
  type: "curves";
  branch: string;
  start: number;
  arrays: Arrays;
}
export interface Notice {
  type: "notice";
  branch: string;
  update: number;
  kind: string;
  text: string;
}
export interface Failure {
  type: "error";
  id: number | null;
  message: string;
}
export interface Code {
  type: "code";
  path: string;
  state: "checking" | "right" | "wrong" | "broken" | "endless";
  text: string;
  lines: unknown[];
}
/** A lab's exercises, and the one in turn; without `exercise` all is done. */
export interface Learn {
  type: "learn";
  labs: { title: string; exercises: [name: string, title: string, passed: boolean][] }[];
  exercise: string;
  /** The exercise that is being checked, or "". */
  checking: string;
  /** The files have been looked at once. */
  looked: boolean;
  /** What to do when all is done. */
  afterwards: string[];
  title?: string;
  lab?: string;
  file?: string;
  line?: number;
  /** The cell of the exercise; null if the file has none. */
  code?: string | null;
  problem?: string;
  sentence?: string;
  checks?: [name: string, passed: boolean][];
  hints?: string[];
  hint_count?: number;
  comparison?: Comparison | null;
  can_show_solution?: boolean;
}
/** Values of an answer, and those that they must be. */
export interface Comparison {
  what: string;
  values: number[] | number[][];
  right: number[] | number[][];
}
/** Figures that were drawn while an exercise was checked. */
export interface Pictures {
  type: "pictures";
  exercise: string;
  yours?: Picture;
  lab?: Picture;
}
export interface Picture {
  /** A PNG in base64. */
  png: string;
  /** The titles and labels in it. */
  alt: string;
}
export interface Task {
  type: "task";
  exercise: string;
  html: string;
}
export interface Solution {
  type: "solution";
  exercise: string;
  code: string;
}
export type Told =
  | Learn
  | Pictures
  | Task
  | Solution
  | Setup
  | Frame
  | CurvesPart
  | Notice
  | { type: "notices_cleared"; branch: string; from: number }
  | Failure
  | { type: "done"; id: number | null }
  | { type: "file"; name: string; mime: string; arrays: Arrays }
  | Code
  | { type: "ended"; message: string };
