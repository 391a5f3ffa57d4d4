/** The page's own host, on a small course that Python has told. */
import { vi } from "vitest";
import { know, type Library } from "../src/anatomy";
import type { Index } from "../src/course/content";
import { decode } from "../src/frames";
import type { Ask, Frame, Setup, Told, Values } from "../src/host";
import { PageHost } from "../src/hosts/page";
import told from "./course.json";

know(new Function(`return ${told.library}`)() as Library);

const packs = told.packs as Record<string, string>;
export const INDEX = told.index as unknown as Index;
export const RUNS = told.runs;

export const pageHost = (more: Partial<Index> = {}, options: ConstructorParameters<typeof PageHost>[2] = {}): PageHost =>
  new PageHost({ ...INDEX, ...more }, (name) => Promise.resolve(packs[name]!), options);

/** A page without a screen: it asks, waits, and keeps what it is told. */
export class Watcher {
  readonly told: Told[] = [];
  private asked = 0;

  constructor(readonly host = pageHost()) {
    host.on("msg:custom", (_, [bytes]) => this.told.push(decode(bytes!)));
  }

  /** Ask for something; return the last frame once it is done. */
  async ask(message: Ask): Promise<Frame> {
    const id = ++this.asked;
    this.host.send({ do: "drawn" });
    this.host.send({ ...message, id });
    const answer = await vi.waitUntil(() => this.told.find((each) => (each.type === "done" || each.type === "error") && each.id === id), { timeout: 20_000, interval: 2 });
    if (answer.type === "error") throw new Error(answer.message);
    return this.last("frame");
  }

  last<T extends Told["type"]>(type: T): Extract<Told, { type: T }> {
    return this.told.filter((each) => each.type === type).at(-1) as Extract<Told, { type: T }>;
  }

  async restart(settings: Values): Promise<Setup> {
    await this.ask({ do: "restart", settings });
    return this.last("setup");
  }
}
