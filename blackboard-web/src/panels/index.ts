/** The panels beside the network, in the order of the keys 1–9. A new panel is one line here. */
import type { ComponentType } from "preact";
import { Microscope } from "./microscope";

export interface Panel {
  id: string;
  title: string;
  /** Said under the title: what it is for, in one line. */
  about: string;
  view: ComponentType;
  /** Takes most of the width while it is open. */
  wide?: boolean;
  /** Whether it has something to show for this run; left out: always. */
  when?: (setup: import("../host").Setup) => boolean;
}

export const PANELS: Panel[] = [
  {
    id: "microscope", title: "Microscope", about: "One sample, forward and backward, every number.", view: Microscope, wide: true,
    when: (setup) => setup.anatomy.learn !== null,
  },
];
