import type { Catalog } from "../catalog/catalog.ts";
import { CHAIN_PROVIDER, type ModelRef } from "../model-ref.ts";
import type { Provider } from "../settings/provider.ts";
import type { Settings } from "../settings/settings.ts";
import { opencodeId } from "./opencode-providers.ts";

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
