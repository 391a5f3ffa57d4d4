// Two numbers describe a digit: a point in the plane is decoded to a picture.
import { load } from "parts/net.mjs";
import { button, cells, chart, el, fixed, row, slider, status, Surface } from "./kit.js";
import data from "parts/data.json";

const codes = data.labels.map((label, i) => ({ label, x: data.codes[2 * i], y: data.codes[2 * i + 1] }));

export default async function start(stage) {
  const net = await load();
  const code = [0.2, 0.3];
  let pixels = new Float32Array(64);

  const plane = chart(() => ({ x: [-1.05, 1.05], y: [-1.05, 1.05], xlabel: "first number", ylabel: "second number" }), {
    height: 340,
    before: (context, { x, y }, colour) => {
      context.textAlign = "center";
      codes.forEach((each) => {
        context.fillStyle = colour[["one", "two", "three", "text"][each.label % 4]];
        context.fillText(String(each.label), x(each.x), y(each.y) + 4);
      });
      context.strokeStyle = colour.two;
      context.lineWidth = 3;
      context.beginPath();
      context.arc(x(code[0]), y(code[1]), 11, 0, 2 * Math.PI);
      context.stroke();
      plane.value = (px, py) => [(px - x(0)) / (x(1) - x(0)), (py - y(0)) / (y(1) - y(0))];
    },
  });
  const picture = new Surface((context, width, height, colour) => {
    const side = Math.min(width, height - 8);
    cells(context, pixels, 8, [0, 0, side, side], colour);
    context.strokeStyle = colour.faint;
    context.strokeRect(0.5, 0.5, side - 1, side - 1);
  }, { height: 220 });
  const note = status();

  async function show() {
    pixels = await net.predict(code);
    const nearest = codes.reduce((best, each) => (Math.hypot(each.x - code[0], each.y - code[1]) < Math.hypot(best.x - code[0], best.y - code[1]) ? each : best));
    const said = code.map((value) => fixed(value, 2)).join(" and ");
    note.textContent = `The numbers ${said} become this picture. The nearest digit of the data is a ${nearest.label}.`;
    plane.describe(`150 digits by their two numbers; the ring is at ${said}, near a ${nearest.label}`);
    picture.describe(`The picture decoded from ${said}: it resembles a ${nearest.label}`);
    plane.again();
    picture.again();
  }

  const names = ["First number", "Second number"];
  const sliders = names.map((label, i) => slider({ label, min: -1, max: 1, step: 0.02, value: code[i], show: (value) => fixed(value, 2) }, (value) => { code[i] = value; show(); }));
  function go(to) {
    to.forEach((value, i) => {
      const input = sliders[i].querySelector("input");
      input.value = Math.max(-1, Math.min(1, value));
      input.dispatchEvent(new Event("input"));
    });
  }
  const drag = (event) => go(plane.value(event.offsetX, event.offsetY));
  plane.canvas.style.cssText += "touch-action: none; cursor: crosshair";
  plane.canvas.addEventListener("pointerdown", (event) => { plane.canvas.setPointerCapture(event.pointerId); drag(event); });
  plane.canvas.addEventListener("pointermove", (event) => event.buttons & 1 && drag(event));
  let at = 0;
  const another = () => {
    const { x, y } = codes[at++ % codes.length];
    go([x, y]);
  };
  stage.append(el("div", { class: "live-two" }, plane.canvas, el("div", {}, picture.canvas, ...sliders)), row(button("Go to a digit of the data", another)), note);
  await show();
}
