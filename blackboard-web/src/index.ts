/** The page as anywidget wants it: `render({model, el})`; `open(el)` for the server's page. */
import { h, render as draw } from "preact";
import plotCss from "uplot/dist/uPlot.min.css?inline";
import { know, type Library } from "./anatomy";
import type { Index } from "./course/content";
import { firstRun, keepRun, replayOf } from "./course/document";
import { packOf } from "./course/source";
import type { Model } from "./host";
import { PageHost } from "./hosts/page";
import { RecordedHost } from "./hosts/recorded";
import { SocketHost } from "./hosts/socket";
import { unpacked } from "../../src/chainrule/_src/export/web/runtime/arrays.js";
import { Page } from "./page";
import { keep, placeOf } from "./place";
import { Store } from "./store";
import css from "./style.css?inline";

export function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const style = document.createElement("style");
  style.textContent = plotCss + css;
  const root = document.createElement("div");
  root.className = "cb-frame";
  el.replaceChildren(style, root);
  const store = new Store(model);
  const stop = keep(store, placeOf(model));
  draw(h(Page, { store, whole: Boolean(model.place) }), root);
  return () => {
    stop();
    draw(null, root);
    store.close();
    el.replaceChildren();
  };
}

/** The page before a server: its WebSocket stands beside the page, at `socket`. */
export function open(el: HTMLElement, socket = "socket"): () => void {
  const url = new URL(socket, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.hash = "";
  return render({ model: new SocketHost(url.href), el });
}

/** The page of a recorded run, which is in the file with it. */
export async function replay(library: Library): Promise<void> {
  know(library);
  const run = await unpacked(document.getElementById("run")!.textContent!);
  render({ model: new RecordedHost(run.buffer as ArrayBuffer), el: document.getElementById("blackboard")! });
}

/** The page that trains by itself, with kernels that are in its file, or beside it. Returns its host. */
export function course(index: Index, library: Library): PageHost {
  know(library);
  const replay = replayOf(() => host);
  const host: PageHost = new PageHost(index, packOf, { first: firstRun(), makers: replay ? { replay } : {} });
  keepRun(host);
  render({ model: host, el: document.getElementById("blackboard")! });
  return host;
}

export default { render };
