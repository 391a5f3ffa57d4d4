/** The file that the page is: where its run begins, and a copy of it with another run. */
import type { PageHost } from "../hosts/page";
import type { Standing, Taken } from "./session";

const RUN = "run"; // the element with the run that the file begins with
const KEPT = "chainrule-run"; // the run that a reload goes on with

/** The run of the visit before, if this is a reload; else that of the file, if it has one. */
export function firstRun(): Standing | undefined {
  const inside = document.getElementById(RUN)?.textContent;
  const [visit] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  try {
    const kept = visit?.type === "reload" ? sessionStorage.getItem(KEPT) : null;
    return JSON.parse(kept ?? inside ?? "null") ?? undefined;
  } catch {
    return inside ? JSON.parse(inside) : undefined; // the storage may be forbidden
  }
}

/** Keep the run for a reload. */
export function keepRun(host: PageHost): void {
  addEventListener("pagehide", () => {
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(host.standing));
    } catch {
      // Without storage a reload begins anew.
    }
  });
}

/** Return this file with the run that is shown; null where its parts are in other files. */
export function replayOf(host: () => PageHost): (() => Taken) | null {
  if (!document.querySelector("script[id^=pack-]")) return null;
  return () => {
    const root = document.documentElement.cloneNode(true) as HTMLElement;
    root.querySelector("#blackboard")!.replaceChildren();
    root.querySelector(`#${RUN}`)?.remove();
    const run = document.createElement("script");
    run.type = "application/json";
    run.id = RUN;
    run.textContent = JSON.stringify(host().standing).replaceAll("<", "\\u003c");
    root.querySelector("#blackboard")!.after(run);
    const bytes = new TextEncoder().encode(`<!doctype html>\n${root.outerHTML}\n`);
    return { name: "blackboard.html", mime: "text/html", bytes };
  };
}
