/** `npm run dev`: the page before a made-up host, to be looked at without Python. */
import { FakeHost } from "./fake";
import blackboard from "./index";

const query = new URLSearchParams(location.search);
const layers = query.get("layers")?.split("-").map(Number);
const el = document.getElementById("blackboard")!;
blackboard.render({ model: new FakeHost({ layers, table: query.has("table"), side: Number(query.get("side") ?? 8) }), el });
