/** What can be done with a run: one that was recorded is over, and lacks what its table tells. */
import type { Setup } from "./host";
import table from "./recorded.json";

export type Ability = keyof typeof table;

export const able = ({ recorded }: Setup, _: Ability): boolean => !recorded;

/** Why a recorded run does not do what a message asks for. */
export const why = (ability: string): string =>
  `${(table as Record<string, { why: string }>)[ability]?.why ?? "That would have to be trained."} This run was recorded: chainrule blackboard trains.`;

export const WHYS: string[] = Object.values(table).map((each) => each.why);
