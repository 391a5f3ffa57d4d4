/** Scenes: a list of steps with a text, what is done, what is pointed at, and what is waited for. */
import type { Ask } from "../host";
import type { View } from "../store";
import parts from "./parts.json";

/** What a step does to the page itself. */
export type Turn =
  | { do: "open"; panel: string }
  | { do: "look"; set: "held" | "train"; index: number }
  | { do: "worst" }
  | { do: "cursor"; at: number }
  | { do: "view"; view: View };

export interface Step {
  text: string;
  do?: (Ask | Turn)[];
  point?: string;
  wait?: string;
}

export interface Scene {
  title: string;
  about?: string;
  steps: Step[];
}

/** Elements that can be pointed at, by name. */
export const PARTS: Record<string, string> = parts;
const CONDITION = /^(accuracy|loss|update|epoch)\s*(>=|<=|>|<)\s*(\d+(?:\.\d+)?(?:e-?\d+)?)$/;

/** What conditions are asked of. */
export interface Standing {
  playing: boolean;
  accuracy: number;
  loss: number;
  update: number;
  epoch: number;
}

/** Whether that which is waited for is so. */
export function holds(wait: string, now: Standing): boolean {
  if (wait === "paused") return !now.playing;
  const [, name, sign, text] = CONDITION.exec(wait) ?? [];
  if (!name) return true;
  const [value, bound] = [now[name as Exclude<keyof Standing, "playing">], Number(text)];
  if (sign === ">") return value > bound;
  if (sign === "<") return value < bound;
  return sign === ">=" ? value >= bound : value <= bound;
}

/** Read a scene that somebody wrote. Throws an Error that says which step is wrong, and how. */
export function readScene(text: string, name = "a scene"): Scene {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw new Error(`${name} is not JSON: ${(error as Error).message}`);
  }
  const scene = (Array.isArray(found) ? { title: name, steps: found } : found) as Scene;
  if (typeof scene?.title !== "string" || !Array.isArray(scene.steps) || !scene.steps.length)
    throw new Error(`${name} should be a list of steps, or {"title": …, "steps": […]}`);
  scene.steps.forEach((step, k) => {
    const wrong = fault(step);
    if (wrong) throw new Error(`${name}, step ${k + 1}: ${wrong}`);
  });
  return scene;
}

function fault(step: Step): string | null {
  if (typeof step?.text !== "string") return `"text" should be a text`;
  if (step.do !== undefined && !(Array.isArray(step.do) && step.do.every((one) => typeof one?.do === "string")))
    return `"do" should be a list of messages like {"do": "pause"}`;
  if (step.point !== undefined && !(step.point in PARTS)) return `"point" should be one of ${Object.keys(PARTS).join(", ")}, not ${step.point}`;
  if (step.wait !== undefined && step.wait !== "paused" && !CONDITION.test(step.wait))
    return `"wait" should be "paused" or like "accuracy>0.9", not ${step.wait}`;
  return null;
}
