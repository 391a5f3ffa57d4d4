/** The panels beside the network, in the order of the keys 1–9. A new panel is one line here. */
import type { ComponentType } from "preact";
import { able } from "../able";
import type { Setup } from "../host";
import { Breaking } from "./breaking";
import { YourCode } from "./code";
import { Draw } from "./draw";
import { GuessPanel } from "./guess";
import { Microscope } from "./microscope";
import { Predictions } from "./predictions";
import { Scenes } from "./scenes";
import { Take } from "./take";

export interface Panel {
  id: string;
  title: string;
  /** Said under the title: what it is for, in one line. */
  about: string;
  view: ComponentType;
  /** Takes most of the width while it is open. */
  wide?: boolean;
  /** Whether it has something to show for this run; left out: always. */
  when?: (setup: Setup) => boolean;
}

export const PANELS: Panel[] = [
  {
    id: "microscope", title: "Microscope", about: "One sample, forward and backward, every number.", view: Microscope, wide: true,
    when: (setup) => setup.anatomy.learn !== null,
  },
  {
    id: "draw", title: "Draw", about: "Your own sample, and what the network makes of it.", view: Draw,
    when: (setup) => setup.anatomy.predict !== null,
  },
  { id: "predictions", title: "Mistakes", about: "The worst predictions, and which class is taken for which.", view: Predictions },
  { id: "guess", title: "Guess", about: "Say what a change will do, then see.", view: GuessPanel, when: (setup) => able(setup, "guess") && setup.settings.in_flight.length > 0 },
  {
    id: "break", title: "Break it", about: "Classic mistakes in the gradient, beside the right one.", view: Breaking,
    when: (setup) => able(setup, "mistake") && setup.mistakes.length > 0,
  },
  { id: "code", title: "Your code", about: "Your own file, checked at every save.", view: YourCode, when: (setup) => able(setup, "code") },
  { id: "scenes", title: "Scenes", about: "Told step by step beside the page; the arrow keys turn.", view: Scenes, when: (setup) => able(setup, "scenes") },
  { id: "take", title: "Take", about: "Weights, a module, this run to keep.", view: Take, when: (setup) => able(setup, "take") },
];
