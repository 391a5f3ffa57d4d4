/** The host in the page itself: it trains with kernels of WebAssembly that are in the file, or beside it. */
import { Content, type Index, type Source } from "../course/content";
import { Session, type Standing, type Taken } from "../course/session";
import { encode } from "../frames";
import type { Ask, Bytes, Model } from "../host";
import { HashPlace } from "./socket";

export class PageHost implements Model {
  readonly place = typeof location === "undefined" ? undefined : new HashPlace();
  private readonly session: Session;
  private heard = new Set<(content: unknown, buffers: Bytes[]) => void>();

  constructor(index: Index, source: Source, options: { lesson?: string; first?: Standing; makers?: Record<string, () => Taken> } = {}) {
    const lesson = options.lesson ?? (new URLSearchParams(this.place?.read()).get("lesson") ?? undefined);
    this.session = new Session(
      new Content(index, source),
      (message, arrays) => {
        const bytes = encode(message, arrays);
        for (const heard of this.heard) heard(null, [bytes]);
      },
      lesson,
      options.first,
      options.makers,
    );
  }

  /** The run that is shown, to be begun with again. */
  get standing(): Standing | null {
    return this.session.standing;
  }

  send(message: Ask): void {
    this.session.handle(message);
  }

  on(_event: "msg:custom", heard: (content: unknown, buffers: Bytes[]) => void): void {
    this.heard.add(heard);
  }

  off(_event: "msg:custom", heard?: (content: unknown, buffers: Bytes[]) => void): void {
    if (heard) this.heard.delete(heard);
    else this.heard.clear();
  }

  close(): void {
    this.session.close();
  }
}
