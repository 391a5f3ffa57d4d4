/** `npm run dev`: the page with the course of its tests, which trains in the page. */
import told from "../tests/course.json";
import { know, type Scripts } from "./anatomy";
import type { Index } from "./course/content";
import { PageHost } from "./hosts/page";
import blackboard from "./index";

const scenes = import.meta.glob<unknown>("../../src/chainrule/_src/blackboard/scenes/*.json", { eager: true, import: "default" });

const scripts = Object.entries(told.scripts).map(([name, text]) => [name, new Function(`return () => (${text})`)()]);
know(Object.fromEntries(scripts) as Scripts);
const packs = told.packs as Record<string, string>;
const index = { ...(told.index as unknown as Index), scenes: Object.values(scenes) };
const host = new PageHost(index, (name) => Promise.resolve(packs[name]!), { lesson: new URLSearchParams(location.search).get("lesson") ?? undefined });
blackboard.render({ model: host, el: document.getElementById("blackboard")! });
