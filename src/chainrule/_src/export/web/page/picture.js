// A picture that is chosen or dropped, scaled to the size that the network takes.
import { colour, complain, element, filePicker, freeId, mixed, paint } from "./elements.js";
import { Many, windowsOf } from "./parts.js";

const PLACES = [
  ["the top left", "the top", "the top right"], ["the left", "the middle", "the right"],
  ["the bottom left", "the bottom", "the bottom right"],
];

const MAP = 480; // pixels of a map's side
const DOT = 0.55; // of a cell's side

/** What a picture and a pad have in common: pixels, and a map of them. */
export class Pixels extends Many {
  /** Pixel i as a share of the range from dark to bright, or from paper to ink. */
  shareAt(i) {
    const [low, high] = [this.at("low", i), this.at("high", i)];
    return high > low ? Math.max(0, Math.min(1, (this.values[i] - low) / (high - low))) : 0;
  }

  fromShares(shares) {
    this.values = Float64Array.from(shares, (share, i) => this.at("low", i) + share * (this.at("high", i) - this.at("low", i)));
  }

  middle(i) {
    return (this.at("low", i) + this.at("high", i)) / 2;
  }

  divided() {
    return windowsOf(this.part.shape);
  }

  /** Return the picture in grey, and under it what speaks for the prediction, and what against. */
  figure(map, most) {
    const [height, width, channels] = this.part.shape;
    const cell = Math.max(2, Math.floor(MAP / width));
    const canvas = element("canvas", { class: "map", role: "img", width: cell * width, height: cell * height });
    const context = canvas.getContext("2d");
    const [paper, ink, positive, negative] = ["--paper", "--stroke", "--for", "--against"].map(colour);
    for (let i = 0; i < height * width; i++) {
      let share = 0;
      for (let c = 0; c < channels; c++) share += this.shareAt(i * channels + c) / channels;
      const value = map[i * channels] / most;
      const ground = channels > 1 ? mixed([30, 30, 30], [235, 235, 235], share) : paper;
      const [x, y] = [cell * (i % width), cell * Math.floor(i / width)];
      context.fillStyle = `rgb(${mixed(ground, value < 0 ? negative : positive, 0.85 * Math.abs(value) ** 0.75)})`;
      context.fillRect(x, y, cell, cell);
      if (channels > 1) continue;
      const side = DOT * cell * Math.sqrt(share); // ink is a dot, so that the colour around it is seen
      context.fillStyle = `rgb(${ink})`;
      context.fillRect(x + (cell - side) / 2, y + (cell - side) / 2, side, side);
    }
    return canvas;
  }

  placeOf(i) {
    const [height, width, channels] = this.part.shape;
    const [row, column] = [Math.floor(i / channels / width), Math.floor(i / channels) % width];
    return PLACES[Math.min(2, Math.floor((3 * row) / height))][Math.min(2, Math.floor((3 * column) / width))];
  }
}

export class Picture extends Pixels {
  constructor(part, changed) {
    super(part, changed);
    const id = freeId();
    const [height, width] = part.shape;
    this.canvas = element("canvas", { class: "photo", role: "img", "aria-label": "the picture as the network sees it" });
    this.problem = element("p", { class: "problem", role: "alert", hidden: true, id });
    const area = element("div", { class: "field wide drop" });
    const picker = filePicker("Choose a picture", "image/*", (file) => this.open(file), area);
    area.append(
      ...(part.name ? [element("h3", {}, part.name)] : []), this.canvas,
      element("div", { class: "buttons" }, ...picker),
      element("p", { class: "soft" }, `or drop a file here; its middle is scaled to ${width} × ${height} pixels`), this.problem);
    this.element = area;
  }

  start() {
    const [height, width, channels] = this.part.shape;
    const sky = [[0.35, 0.6, 0.9], [0.85, 0.9, 0.95], [0.35, 0.55, 0.25], [0.2, 0.35, 0.15]];
    this.fromShares(Array.from(this.values, (_, i) => {
      const at = (3 * Math.floor(i / channels / width)) / height;
      return mixed(sky[Math.floor(at)], sky[Math.floor(at) + 1], at % 1)[i % channels];
    }));
    this.show();
  }

  set(values) {
    this.values = Float64Array.from(values, Number);
    this.show();
  }

  show() {
    const [height, width, channels] = this.part.shape;
    paint(this.canvas, height, width, (i) => [0, 1, 2].map((c) => 255 * this.shareAt(i * channels + c)));
    this.changed();
  }

  async open(file) {
    try {
      const [height, width] = this.part.shape;
      const bytes = await pixelsOf(file, height, width);
      this.fromShares(Array.from(this.values, (_, i) => bytes[4 * Math.floor(i / 3) + (i % 3)] / 255));
      complain(this.problem, "");
      this.show();
    } catch (error) {
      complain(this.problem, error);
    }
  }
}

/** Return the middle of a picture in a file, scaled, as bytes of red, green, blue and opacity. */
export async function pixelsOf(file, height, width) {
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    throw new Error(`${file.name} is no picture that this browser can read; PNG and JPEG are`);
  }
  let scale = Math.max(width / picture.width, height / picture.height);
  let from = picture;
  // Halving first takes all pixels into account.
  while (scale < 0.5) {
    const half = element("canvas", { width: Math.ceil(from.width / 2), height: Math.ceil(from.height / 2) });
    half.getContext("2d").drawImage(from, 0, 0, half.width, half.height);
    from = half;
    scale = Math.max(width / from.width, height / from.height);
  }
  const canvas = element("canvas", { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  const [w, h] = [from.width * scale, from.height * scale];
  context.imageSmoothingQuality = "high";
  context.drawImage(from, (width - w) / 2, (height - h) / 2, w, h);
  return context.getImageData(0, 0, width, height).data;
}
