import { restId } from "./rest.ts";

/** Which rests are meant: all of them, those of a key, those for a model, or those of one lane. */
export interface RestSelection {
  /** This one rest, and no other. */
  id?: string;
  fingerprint?: string;
  /** `provider/model-id`. */
  model?: string;
}

/** Whether a selection means the rest with this id. A lane is also held by its model's rest, so that goes with it. */
export function isSelected(id: string, { id: only, fingerprint, model }: RestSelection): boolean {
  if (only !== undefined) return id === only;
  if (fingerprint !== undefined && !id.startsWith(`lane ${fingerprint} `) && id !== restId.key(fingerprint)) {
    return model !== undefined && id === `model ${model}`;
  }
  return model === undefined || id.endsWith(` ${model}`);
}
