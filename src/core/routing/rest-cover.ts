import type { RestTarget } from "./rest.ts";
import { restParty } from "./rest-party.ts";

/** Which rests are meant: all of them, those of a key, those for a model, or those of one lane. */
export interface RestSelection {
  /** This one rest, and no other. */
  id?: string;
  fingerprint?: string;
  /** `provider/model-id`. */
  model?: string;
}

/** Whether a selection means this rest. A lane is also held by its model's rest, so that goes with it. */
export function isSelected(rest: RestTarget, { id, fingerprint, model }: RestSelection): boolean {
  if (id !== undefined) return rest.id === id;
  if (fingerprint !== undefined && rest.fingerprint !== fingerprint && rest.scope !== "model") return false;
  if (fingerprint !== undefined && model === undefined) return rest.fingerprint === fingerprint;
  return model === undefined || restParty(rest).model === model;
}
