/** What the network is to learn, in words. */
import type { Setup } from "./host";

/** The task in a sentence or two: what goes in, and what should come out. */
export function task({ data: { name, classes, features, image } }: Setup): string {
  const several = (count: number, one: string, more = `${one}s`) => `${count} ${count === 1 ? one : more}`;
  if (image && name === "digits") return `Which digit is it? ${image[0]} × ${image[1]} pixels go in on the left, one of ten digits comes out on the right.`;
  const goesIn = image ? `a picture of ${image[0]} × ${image[1]} pixels` : several(features.length, "number");
  if (classes) return `Which of ${several(classes.length, "class", "classes")} is it? In goes ${goesIn}, out comes a probability for each class.`;
  return `How much is it? In goes ${goesIn}, out comes one number.`;
}
