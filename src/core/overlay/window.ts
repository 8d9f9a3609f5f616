import type { Catalog } from "../catalog/catalog.ts";
import { withOverrides } from "../catalog/model-kinds.ts";
import { UNKNOWN_TRAITS } from "../catalog/model-list.ts";
import { chainNamed, expandModels } from "../settings/chains.ts";
import type { Settings } from "../settings/settings.ts";

/** In tokens, from the catalog or else the settings; for a chain, the smallest known window of its models. */
export function windowOf(
  model: string,
  settings: Pick<Settings, "models" | "chains">,
  catalog?: Catalog,
): number | undefined {
  if (catalog !== undefined) return catalog.windowOf(model);
  const own = withOverrides(model, UNKNOWN_TRAITS, settings.models).context;
  if (own !== undefined || chainNamed(model) === undefined) return own;
  const windows = expandModels([model], settings.chains).flatMap(
    (one) => withOverrides(one, UNKNOWN_TRAITS, settings.models).context ?? [],
  );
  return windows.length === 0 ? undefined : Math.min(...windows);
}
