import type { Provider } from "../../core/settings/provider.ts";
import type { Settings } from "../../core/settings/settings.ts";
import { type KeyOutcome, keyOutcome } from "../keys/test/key-outcome.ts";
import { testKey } from "../keys/test/test-key.ts";
import { trialOptions } from "../keys/test/trial-options.ts";
import type { FreshKey } from "./fresh-key.ts";

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
  return await Promise.all(
    keys.map(async (key) => ({ key, outcome: keyOutcome(await testKey(provider, key, options)) })),
  );
}
