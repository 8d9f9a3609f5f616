import { askProvider } from "../../catalog/ask-provider.ts";
import { isChatModel } from "../../core/catalog/is-chat-model.ts";
import type { Key } from "../../core/key.ts";
import { findPreset } from "../../core/settings/presets.ts";
import type { Provider } from "../../core/settings/provider.ts";
import type { Settings } from "../../core/settings/settings.ts";
import { testKey } from "../keys/test/test-key.ts";
import { trialOptions } from "../keys/test/trial-options.ts";
import type { FreshKey } from "./fresh-key.ts";
import { type KeyOutcome, keyOutcome } from "./key-outcome.ts";

export interface TriedKey {
  key: FreshKey;
  outcome: KeyOutcome;
}

/** Tries keys of one provider at once, each with one cheap call. */
export async function tryKeys(
  provider: Provider,
  keys: readonly FreshKey[],
  settings: Settings,
): Promise<TriedKey[]> {
  const options = trialOptions(settings);
  const tried = await withTrialModel(provider, keys, options.signal);
  return await Promise.all(
    keys.map(async (key) => ({ key, outcome: keyOutcome(await testKey(tried, key, options)) })),
  );
}

/** A service of one's own may show its models to anyone; then one of them is what tells whether a key is good. */
async function withTrialModel(
  provider: Provider,
  keys: readonly Key[],
  signal: AbortSignal,
): Promise<Provider> {
  if (provider.models.length > 0 || findPreset(provider.id) !== undefined) return provider;
  const secrets = keys.map((key) => key.secret);
  const answer = await askProvider(provider, secrets, signal);
  const models = answer.kind === "list" ? answer.list.models : [];
  const model = models.find(({ id }) => isChatModel(id));
  return model === undefined ? provider : { ...provider, models: [model.id] };
}
