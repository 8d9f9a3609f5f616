import { type Modality, type ModelTraits, UNKNOWN_TRAITS } from "./model-entry.ts";

/**
 * What every one of some models can do. Limits are the smallest; an ability counts when all have it, and what is known
 * of none stays unknown: a limit made up would cut answers short. A price there is none, since any of them may answer.
 */
export function commonTraits(members: readonly ModelTraits[]): ModelTraits {
  if (members.length === 0) return UNKNOWN_TRAITS;
  return {
    context: smallest(members.map((member) => member.context)),
    output: smallest(members.map((member) => member.output)),
    // A limit on prompts that one member does not have would bind the others, too.
    input: members.every((member) => member.input !== undefined)
      ? smallest(members.map((member) => member.input))
      : undefined,
    toolCall: allOf(members.map((member) => member.toolCall)),
    reasoning: allOf(members.map((member) => member.reasoning)),
    inputs: sharedBy(members.map((member) => member.inputs)),
    outputs: sharedBy(members.map((member) => member.outputs)),
    cost: undefined,
  };
}

function smallest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function allOf(flags: readonly (boolean | undefined)[]): boolean | undefined {
  if (flags.every((flag) => flag === true)) return true;
  return flags.includes(false) ? false : undefined;
}

function sharedBy(lists: readonly (readonly Modality[] | undefined)[]): Modality[] | undefined {
  const known = lists.filter((list) => list !== undefined);
  const [first] = known;
  if (first === undefined) return undefined;
  const shared = first.filter((modality) => known.every((list) => list.includes(modality)));
  // Of a member that says nothing only text can be expected.
  return known.length === lists.length ? shared : shared.filter((modality) => modality === "text");
}
