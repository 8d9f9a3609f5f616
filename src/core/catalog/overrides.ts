import { parseModelRef } from "../model-ref.ts";
import type { ModelOverride } from "../settings/settings.ts";
import type { ModelTraits } from "./model-entry.ts";

/** The traits of `provider/model` with what the user's `[[models]]` say of it; later ones win, field by field. */
export function withOverrides<T extends ModelTraits>(
  ref: string,
  traits: T,
  overrides: readonly ModelOverride[],
): T {
  let { context, output } = traits;
  for (const one of overrides) {
    if (!covers(one, ref)) continue;
    context = one.context ?? context;
    output = one.output ?? output;
  }
  return { ...traits, context, output };
}

/** Whether the user has said anything about the limits of a model. */
export function isOverridden(ref: string, overrides: readonly ModelOverride[]): boolean {
  return overrides.some((one) => (one.context ?? one.output) !== undefined && covers(one, ref));
}

/** The ids of models that are to be listed for a provider even where it does not. */
export function addedModels(provider: string, overrides: readonly ModelOverride[]): string[] {
  return overrides.flatMap(({ id, addIfMissing }) => {
    const ref = id === undefined || !addIfMissing ? undefined : parseModelRef(id);
    return ref?.provider === provider ? [ref.model] : [];
  });
}

function covers(override: ModelOverride, ref: string): boolean {
  if (override.id !== undefined) return override.id === ref;
  return override.match !== undefined && ref.search(override.match) >= 0;
}
