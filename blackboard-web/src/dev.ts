/** `npm run dev`: the page before a made-up host, to be looked at without Python. */
import { FakeHost } from "./fake";
import blackboard from "./index";

const scenes = import.meta.glob<unknown>("../../src/chainrule/_src/blackboard/scenes/*.json", { eager: true, import: "default" });

const query = new URLSearchParams(location.search);
const layers = query.get("layers")?.split("-").map(Number);
const el = document.getElementById("blackboard")!;
blackboard.render({ model: new FakeHost({ layers, table: query.has("table"), side: Number(query.get("side") ?? 8), scenes: Object.values(scenes) }), el });
