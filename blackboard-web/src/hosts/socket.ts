/** The host behind a WebSocket: text out, binary in; comes back by itself and says hello again. */
import type { Ask, Bytes, Connection, Model, Place } from "../host";

const WAITS = [250, 500, 1000, 2000, 4000]; // milliseconds before trying again
const REFUSED = [1008, 4403]; // close codes by which a server says that it will not have us

export class SocketHost implements Model {
  place = new HashPlace();
  private socket: WebSocket | null = null;
  private heard = new Set<(content: unknown, buffers: Bytes[]) => void>();
  private watchers = new Set<(state: Connection) => void>();
  private failures = 0;
  private closed = false;

  constructor(private readonly url: string) {
    this.connect();
  }

  send(message: Ask): void {
    // What cannot be said now is dropped: after hello the host tells all there is to know.
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  on(_event: "msg:custom", heard: (content: unknown, buffers: Bytes[]) => void): void {
    this.heard.add(heard);
  }

  off(_event: "msg:custom", heard?: (content: unknown, buffers: Bytes[]) => void): void {
    if (heard) this.heard.delete(heard);
    else this.heard.clear();
  }

  watch(changed: (state: Connection) => void): void {
    this.watchers.add(changed);
    changed(this.socket?.readyState === WebSocket.OPEN ? "open" : "connecting");
  }

  close(): void {
    this.closed = true;
    this.socket?.close();
  }

  private connect(): void {
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.failures = 0;
      this.tell("open");
      this.send({ do: "hello" });
    };
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) for (const heard of this.heard) heard(null, [data]);
    };
    socket.onclose = ({ code }) => {
      if (this.closed) return;
      if (REFUSED.includes(code)) return this.tell("refused");
      this.tell("lost");
      setTimeout(() => this.closed || this.connect(), WAITS[Math.min(this.failures++, 4)]);
    };
    this.socket = socket;
  }

  private tell(state: Connection): void {
    for (const changed of this.watchers) changed(state);
  }
}

/** Settings of the page in the address, behind the `#`, without a new entry in the history. */
export class HashPlace implements Place {
  read(): string {
    return location.hash.slice(1);
  }

  write(text: string): void {
    const address = location.href.split("#")[0]! + (text && `#${text}`);
    try {
      history.replaceState(null, "", address);
    } catch {
      // A page inside another one may have no address of its own to write to.
    }
  }

  watch(changed: () => void): () => void {
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }
}
