import { commonTraits } from "./common-traits.ts";
import { isResolved, type ModelTraits } from "./model-entry.ts";

/** What several models have in common, and the members of which nothing is known. */
export interface Common {
  traits: ModelTraits;
  leftOut: readonly string[];
}

/** The common traits of those members that something is known about; the others are told, not guessed. */
export function commonOf(
  members: readonly string[],
  find: (member: string) => ModelTraits | undefined,
): Common {
  const known: ModelTraits[] = [];
  const leftOut: string[] = [];
  for (const member of members) {
    const traits = find(member);
    if (traits !== undefined && isResolved(traits)) known.push(traits);
    else leftOut.push(member);
  }
  return { traits: commonTraits(known), leftOut };
}
