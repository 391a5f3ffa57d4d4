/** What the network is to learn, in words. */
import type { Setup } from "./host";

/** The task in a sentence or two: what goes in, and what should come out. */
export function task({ data: { name, classes, features, image, sequence, target } }: Setup): string {
  const several = (count: number, one: string, more = `${one}s`) => `${count} ${count === 1 ? one : more}`;
  if (image && name === "digits") return `Which digit is it? ${image[0]} × ${image[1]} pixels go in on the left, one of ten digits comes out on the right.`;
  const goesIn = image ? `A picture of ${image[0]} × ${image[1]} pixels goes in` : sequence ? `A sequence of ${several(sequence[0], "step")} goes in` : `${several(features.length, "number")} go in`;
  const what = target && target.name !== "target" ? target.name : "it";
  if (classes) return `Which of ${several(classes.length, "class", "classes")} is ${what}? ${goesIn}, a probability for each class comes out.`;
  return `How much is ${what}? ${goesIn}, one number comes out.`;
}
