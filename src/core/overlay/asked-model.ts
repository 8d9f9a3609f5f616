import type { Catalog } from "../catalog/catalog.ts";
import { CHAIN_PROVIDER, parseModelRef } from "../model-ref.ts";
import type { Settings } from "../settings/settings.ts";
import { overlayModel } from "./opencode-providers.ts";
import type { OverlayProvider } from "./overlay.ts";

/** The model in the arguments, in the forms of opencode's command line. */
export function askedModel(words: readonly string[]): string | undefined {
  const end = words.indexOf("--");
  const own = end < 0 ? words : words.slice(0, end);
  return own
    .map((word, at) =>
      word === "-m" || word === "--model" ? own[at + 1] : /^(?:--model=|-m=?)(.+)$/.exec(word)?.[1],
    )
    .findLast((model) => model !== undefined);
}

export interface AskedOptions {
  settings: Settings;
  catalog: Catalog | undefined;
  /** Also if the provider's own list does not have it. */
  isForced?: boolean;
}

/**
 * Adds the models that the command line or a config names. opencode rejects or replaces a model that it does not know,
 * even if the provider's list could not be loaded; the provider decides whether it exists.
 */
export function withAskedModels(
  providers: readonly OverlayProvider[],
  asked: readonly string[],
  options: AskedOptions,
): OverlayProvider[] {
  return asked.reduce<OverlayProvider[]>(
    (all, ref) => all.map((provider) => withAskedModel(provider, ref, options)),
    [...providers],
  );
}

function withAskedModel(
  provider: OverlayProvider,
  ref: string,
  { settings, catalog, isForced = false }: AskedOptions,
): OverlayProvider {
  const { id, route, npm, models = [] } = provider;
  // opencode 2 names a variant of the model after `#`.
  const asked = parseModelRef(ref.replace(/#.*$/, ""));
  const isOurs = asked?.provider === id && npm !== undefined && route !== CHAIN_PROVIDER;
  if (!isOurs || models.some((model) => model.id === asked.model)) return provider;
  if (!isForced && catalog?.modelsOf(route).some((entry) => entry.source === "live")) return provider;
  const own = `${route}/${asked.model}`;
  const described = { id: asked.model, name: asked.model, entry: catalog?.find(own) };
  return { ...provider, models: [...models, overlayModel(own, described, settings)] };
}
