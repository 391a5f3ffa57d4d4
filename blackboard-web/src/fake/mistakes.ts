/** What can be broken in the made-up run. */
import type { Mistake } from "../host";

export const MISTAKES: Mistake[] = [
  {
    name: "no_slope", title: "The slope of the activation is forgotten",
    right: "d_z_h = d_h * h * (1 - h)", wrong: "d_z_h = d_h",
  },
  {
    name: "no_mean", title: "The mean over the batch is forgotten",
    right: "d_z_o = (y - Y) / len(X)", wrong: "d_z_o = y - Y",
  },
];
