import { chainNamed, expandModels } from "./chains.ts";
import type { ModelOverride, Settings } from "./settings.ts";

/** A model's window in tokens, as far as the settings tell; that of a chain is the smallest known one of its models. */
export function windowOf(model: string, settings: Pick<Settings, "models" | "chains">): number | undefined {
  if (chainNamed(model) === undefined) return ownWindow(model, settings.models);
  const windows = expandModels([model], settings.chains).flatMap(
    (one) => ownWindow(one, settings.models) ?? [],
  );
  return windows.length === 0 ? undefined : Math.min(...windows);
}

/** Later entries win. */
function ownWindow(model: string, overrides: readonly ModelOverride[]): number | undefined {
  return overrides.findLast((one) => one.context !== undefined && covers(one, model))?.context;
}

function covers(override: ModelOverride, model: string): boolean {
  if (override.id !== undefined) return override.id === model;
  return override.match !== undefined && model.search(override.match) >= 0;
}
