import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { decode, encode, shaped } from "../src/frames";
import type { Frame, Told } from "../src/host";
import { RecordedHost } from "../src/hosts/recorded";

const UPDATES = [0, 1, 2, 5, 10, 20];

function recording(): ArrayBuffer {
  const messages = [
    encode({ type: "setup" }),
    encode({ type: "curves", branch: "a", start: 0 }),
    ...UPDATES.map((update) =>
      encode({ type: "frame", update, head: 20, epoch: Math.floor(update / 5), epochs: update / 5, playing: false }, {
        "p:w": shaped(new Float32Array([update]), 1),
      }),
    ),
  ];
  const whole = new Uint8Array(messages.reduce((sum, each) => sum + 8 + each.byteLength, 0));
  let at = 0;
  for (const each of messages) {
    new DataView(whole.buffer).setBigUint64(at, BigInt(each.byteLength), true);
    whole.set(new Uint8Array(each), at + 8);
    at += 8 + each.byteLength;
  }
  return whole.buffer;
}

describe("a recorded run", () => {
  let host: RecordedHost;
  let told: Told[];
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("window", globalThis);
    told = [];
    host = new RecordedHost(recording());
    host.on("msg:custom", (_, buffers) => told.push(decode(buffers[0]!)));
  });
  afterEach(() => {
    host.close();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  const ask = (message: Parameters<RecordedHost["send"]>[0]): Frame => {
    host.send(message);
    vi.advanceTimersByTime(1);
    return told.at(-1) as Frame;
  };

  it("tells all at the beginning", () => {
    ask({ do: "hello" });
    expect(told.map(({ type }) => type)).toEqual(["setup", "curves", "frame"]);
  });

  it("goes to the nearest update, and always on where it is to step", () => {
    expect(ask({ do: "seek", update: 8 }).update).toBe(10);
    expect(ask({ do: "step", count: -1 }).update).toBe(5);
    expect(ask({ do: "step", count: 1 }).update).toBe(10);
    expect(ask({ do: "step", count: 100 }).update).toBe(20);
    expect(ask({ do: "step", count: 1 }).update).toBe(20);
    expect(ask({ do: "restart" }).update).toBe(0);
    expect(ask({ do: "epoch" }).update).toBe(5);
    expect((told.at(-1) as Frame).arrays["p:w"]!.data[0]).toBe(5);
  });

  it("plays to the end, and stops there or when it is to", () => {
    ask({ do: "play", rate: 10 });
    vi.advanceTimersByTime(250);
    const frame = told.at(-1) as Frame;
    expect([frame.update, frame.playing]).toEqual([2, true]);
    expect(ask({ do: "pause" }).playing).toBe(false);
    ask({ do: "play", rate: null });
    vi.advanceTimersByTime(1000);
    expect([(told.at(-1) as Frame).update, (told.at(-1) as Frame).playing]).toEqual([20, false]);
    ask({ do: "play", rate: null });
    vi.advanceTimersByTime(40);
    expect((told.at(-1) as Frame).update).toBe(1);
  });

  it("stops when it is to, and marks", () => {
    ask({ do: "stop", epoch: 2 });
    ask({ do: "play", rate: null });
    vi.advanceTimersByTime(1000);
    expect([(told.at(-1) as Frame).update, (told.at(-1) as Frame).playing]).toEqual([10, false]);
    expect(ask({ do: "mark" }).marked).toBe(10);
    expect(ask({ do: "step", count: 1 }).marked).toBe(10);
    expect(ask({ do: "mark", clear: true }).marked).toBeNull();
  });

  it("refuses to change the run", () => {
    expect(ask({ do: "set", rate: 1, id: 7 })).toMatchObject({ type: "error", id: 7 });
    expect(ask({ do: "fork" })).toMatchObject({ type: "error", message: expect.stringContaining("recorded") });
  });
});
