/** A number moved a little both ways, all behind it computed again, beside the gradient that the backward pass found. */
import type { Pass } from "../anatomy";
import { entryOf, fmt } from "./numbers";
import type { Spot } from "./scope";

export interface Compared {
  /** The entry that is moved. */
  moved: Spot;
  difference: number;
  /** Where the backward pass has its gradient, and its value. */
  gradient: Spot | null;
  found: number | null;
}

/** The entry itself, or of a gradient the entry that it belongs to. */
export function compare(pass: Pass, { name, index }: Spot): Compared | null {
  const { body, values } = pass;
  const loss = body.anatomy.loss;
  if (loss === null) return null;
  const same = (other: string) => values[other]?.length === values[name]!.length;
  const primal = body.primal.get(name);
  if (primal !== undefined && same(primal))
    return { moved: { name: primal, index }, difference: pass.difference(primal, index), gradient: { name, index }, found: values[name]![index]! };
  if (body.made(name) > body.made(loss)) return null; // within the backward pass: the loss does not see it
  const adjoint = body.adjoint(name);
  const known = adjoint !== null && same(adjoint);
  return {
    moved: { name, index },
    difference: pass.difference(name, index),
    gradient: known ? { name: adjoint, index } : null,
    found: known ? values[adjoint]![index]! : null,
  };
}

export function DifferenceView({ pass, spot }: { pass: Pass; spot: Spot }) {
  const input = pass.body.anatomy.inputs.find(({ name }) => name === spot.name);
  const compared = input?.role === "y" || spot.name === pass.body.anatomy.loss ? null : compare(pass, spot);
  if (!compared) return null;
  const { moved, difference, gradient, found } = compared;
  return (
    <dl class="cb-difference">
      <dt>Move <code>{entryOf(pass, moved)}</code> a little, both ways: the loss changes by</dt>
      <dd>{fmt(difference, 8)} <small>a unit</small></dd>
      {gradient && found !== null && (
        <>
          <dt>Gradient <code>{entryOf(pass, gradient)}</code></dt>
          <dd>{fmt(found, 8)} <small>apart by {fmt(Math.abs(found - difference), 2)}</small></dd>
        </>
      )}
    </dl>
  );
}
