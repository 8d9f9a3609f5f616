import type { Catalog } from "../catalog/catalog.ts";
import { CHAIN_PROVIDER, parseModelRef } from "../model-ref.ts";
import type { Settings } from "../settings/settings.ts";
import { overlayModel } from "./opencode-providers.ts";
import type { OverlayProvider } from "./overlay.ts";

/** The model that opencode's own words name, in the forms its command line takes. */
export function askedModel(words: readonly string[]): string | undefined {
  const end = words.indexOf("--");
  const own = end < 0 ? words : words.slice(0, end);
  return own
    .map((word, at) =>
      word === "-m" || word === "--model" ? own[at + 1] : /^(?:--model=|-m=?)(.+)$/.exec(word)?.[1],
    )
    .findLast((model) => model !== undefined);
}

/**
 * The providers with the model that was asked for on the command line. Of a provider whose list cannot be had opencode
 * knows no model, and would only say that it failed; so it is asked for that one, and the provider has the last word.
 */
export function withAskedModel(
  providers: readonly OverlayProvider[],
  words: readonly string[],
  { settings, catalog }: { settings: Settings; catalog: Catalog | undefined },
): OverlayProvider[] {
  const asked = parseModelRef(askedModel(words) ?? "");
  return providers.map((provider) => {
    const { id, route, npm, models = [] } = provider;
    const isOurs = asked?.provider === id && npm !== undefined && route !== CHAIN_PROVIDER;
    if (!isOurs || models.some((model) => model.id === asked.model)) return provider;
    if (catalog?.modelsOf(route).some((entry) => entry.source === "live")) return provider;
    const ref = `${route}/${asked.model}`;
    const described = { id: asked.model, name: asked.model, entry: catalog?.find(ref) };
    return { ...provider, models: [...models, overlayModel(ref, described, settings)] };
  });
}
