/** `npm run dev`: the page with the course of its tests, which trains in the page. */
import told from "../tests/course.json";
import { know, type Library } from "./anatomy";
import type { Index } from "./course/content";
import { PageHost } from "./hosts/page";
import blackboard from "./index";

const scenes = import.meta.glob<unknown>("../../src/chainrule/_src/blackboard/scenes/*.json", { eager: true, import: "default" });

know(new Function(`return ${told.library}`)() as Library);
const packs = told.packs as Record<string, string>;
const index = { ...(told.index as unknown as Index), scenes: Object.values(scenes) };
const host = new PageHost(index, (name) => Promise.resolve(packs[name]!), { lesson: new URLSearchParams(location.search).get("lesson") ?? undefined });
blackboard.render({ model: host, el: document.getElementById("blackboard")! });
