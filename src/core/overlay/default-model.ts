import type { Catalog } from "../catalog/catalog.ts";
import { CHAIN_PROVIDER, type ModelRef, parseModelRef } from "../model-ref.ts";
import type { Provider } from "../settings/provider.ts";
import type { Settings } from "../settings/settings.ts";
import { opencodeId, overlayModel } from "./opencode-providers.ts";
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

/** Models that free accounts can use and that support tools. */
const SAFE: Readonly<Record<string, string>> = {
  "ollama-cloud": "gpt-oss:120b",
  nvidia: "openai/gpt-oss-120b",
  groq: "openai/gpt-oss-120b",
  cerebras: "gpt-oss-120b",
  openrouter: "openai/gpt-oss-120b",
  omniroute: "auto",
};

/**
 * If the user has chosen none: their first chain, else a model that the first usable provider surely has, else the
 * first in the catalog. In opencode's form; undefined leaves the choice to opencode.
 */
export function defaultModel(
  usable: readonly Provider[],
  settings: Pick<Settings, "chains" | "providers">,
  catalog?: Catalog | undefined,
): string | undefined {
  const found = defaultRef(usable, settings, catalog);
  return found === undefined ? undefined : `${opencodeId(found.provider)}/${found.model}`;
}

/**
 * The model to start with where the user has chosen none: their first chain, else one that their first usable provider
 * surely has, else with a catalogue the first that any of them lists.
 */
export function defaultRef(
  usable: readonly Provider[],
  settings: Pick<Settings, "chains" | "providers">,
  catalog?: Catalog | undefined,
): ModelRef | undefined {
  const [chain] = Object.keys(settings.chains);
  if (chain !== undefined) return { provider: CHAIN_PROVIDER, model: chain };
  // Providers that were written down come before those whose key merely happened to be around.
  const isWritten = (provider: Provider): boolean => Object.hasOwn(settings.providers, provider.id);
  const inOrder = [...usable.filter(isWritten), ...usable.filter((provider) => !isWritten(provider))];
  const sure = inOrder.map(({ id, models }) => ({ provider: id, model: models[0] ?? SAFE[id] }));
  const listed = inOrder.map(({ id }) => ({ provider: id, model: catalog?.modelsOf(id)[0]?.id }));
  return [...sure, ...listed].find((one): one is ModelRef => one.model !== undefined);
}
