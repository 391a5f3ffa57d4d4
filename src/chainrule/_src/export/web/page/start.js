// The page: it loads the network, and shows a prediction whenever the input changes.
import { button, byId, complain, element } from "./elements.js";
import { Inputs } from "./inputs.js";
import { Lessons } from "./lessons.js";
import { Outcomes } from "./outcome.js";
import { differences, shownReasons } from "./reasons.js";
import { Result } from "./result.js";

const INVITATIONS = {
  drawing: "Draw something", picture: "Choose a picture", sequence: "Write or paste numbers", number: "Change a value",
  category: "Change a value", time: "Change a value",
};

class Page {
  constructor(net) {
    this.net = net;
    this.inputs = new Inputs(net, () => this.update());
    this.outcomes = new Outcomes(net, this.inputs);
    this.result = new Result(this.outcomes, (k) => this.choose(k));
    this.chosen = null; // the class whose reasons a person wants to see
    this.asked = 0;
    this.truth = element("p", { class: "soft", hidden: true });
  }

  begin() {
    const { inputs, net } = this;
    const { page } = net.about;
    byId("invitation").textContent = `${INVITATIONS[page.parts[0].kind]}: the prediction and its reasons follow at once. Nothing leaves this page.`;
    byId("about").textContent = `${page.weights.toLocaleString("en")} weights, computed in this page by WebAssembly; it works offline and sends nothing. Written by chainrule ${page.version}.`;
    const ways = [];
    if (inputs.hasFields) ways.push(button("Typical values", () => this.showTypical()));
    if (inputs.count || inputs.controls.some((control) => control.start)) ways.push(button(inputs.count > 1 ? "Another example" : "Example", () => this.showExample()));
    byId("controls").append(...inputs.controls.map(({ element: each }) => each));
    byId("ways").append(...ways, this.truth);
    this.quietly(() => inputs.begin());
    if (net.parts.train) this.lessons = new Lessons(net, inputs, () => this.update(true));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      for (const control of inputs.controls) control.draw?.();
      this.update(true);
    });
  }

  /** Change many controls, and predict once. */
  quietly(change) {
    this.quiet = true;
    const result = change();
    this.quiet = false;
    this.update();
    return result;
  }

  showTypical() {
    this.quietly(() => this.inputs.showTypical());
  }

  showExample() {
    const truth = this.quietly(() => this.inputs.showExample());
    if (truth === undefined) return;
    const { outcomes } = this;
    const text = outcomes.isShare ? outcomes.nameOf(Number(truth)) : outcomes.valueText(Number(truth));
    this.truth.textContent = `In the data it is ${text}.`;
    this.truth.hidden = false;
  }

  choose(k) {
    this.chosen = this.chosen === k ? null : k;
    this.update(true);
  }

  /** Show a prediction of the input; the newest input wins. */
  async update(same = false) {
    if (this.quiet) return;
    if (!same) this.truth.hidden = true; // the truth of an example does not hold for a changed input
    const number = (this.asked += 1);
    const isNewest = () => number === this.asked;
    byId("result").setAttribute("aria-busy", "true");
    try {
      await this.predict(isNewest);
    } catch (error) {
      if (isNewest()) {
        complain(byId("problem"), error);
        this.result.stale("There is no prediction.");
      }
    }
    if (isNewest()) byId("result").setAttribute("aria-busy", "false");
  }

  async predict(isNewest) {
    const { inputs, outcomes } = this;
    const values = this.values();
    if (!values) return;
    const [outcome] = await outcomes.of([values]);
    if (!isNewest()) return;
    const k = this.chosen ?? outcome.best;
    this.result.show(outcome, k);
    complain(byId("problem"), "");
    await new Promise((resolve) => setTimeout(resolve)); // the prediction is seen before its reasons
    if (!isNewest()) return;
    const found = await differences(inputs, outcomes, outcome, values, k);
    if (!isNewest()) return;
    byId("reasons").replaceChildren(...shownReasons(inputs, outcomes, outcome, k, found));
    byId("why").textContent = outcomes.isShare ? `Why ${outcomes.nameOf(k)}?` : "Why?";
  }

  /** Return copies of the values of the controls, or nothing if one cannot be read. */
  values() {
    try {
      return this.inputs.values.map((value) => (value instanceof Float64Array ? value.slice() : value));
    } catch {
      this.result.stale("Waiting for the input to be complete: the prediction is that of the last one.");
      return null;
    }
  }
}

/** Start the page; `runtime` returns the functions of a network, `content` is the network. */
export async function start(runtime, content) {
  try {
    if (typeof DecompressionStream === "undefined") throw new Error("this browser is too old for this page; any of 2023 or later will do");
    new Page(await runtime().loaded(content.trim(), `(${runtime})()`)).begin();
  } catch (error) {
    complain(byId("problem"), error);
  }
}
