import type { ConfigAddition, ProviderAddition } from "../../config/first-config.ts";
import type { Key } from "../../core/key.ts";
import { parseModelRef } from "../../core/model-ref.ts";
import type { Settings } from "../../core/settings/settings.ts";
import type { FreshKey } from "./fresh-key.ts";

/** All that setup is going to write. */
export interface SetupPlan {
  addition: ConfigAddition;
  keys: readonly FreshKey[];
}

/** What has been answered, and what was there before. */
export interface SetupAnswers {
  before: Settings;
  chosen: Readonly<Record<string, ProviderAddition>>;
  /** Those that were there, and those that came in. */
  known: readonly Key[];
  fresh: readonly FreshKey[];
  chain: ConfigAddition["chain"];
  /** The providers that gave no list of models. */
  unlisted: readonly string[];
}

/** Turns answers into what has to be written: nothing that is there already, and no service without a key. */
export function planSetup(answers: SetupAnswers): SetupPlan {
  const { before, chosen, known, fresh, chain, unlisted } = answers;
  const withKey = new Set([...known, ...fresh].map((key) => key.provider));
  const added = Object.entries(chosen).filter(
    ([id]) => withKey.has(id) && !Object.hasOwn(before.providers, id),
  );
  const providers = added.map(([id, table]): [string, ProviderAddition] => {
    const models = modelsOf(id, chain?.models ?? []);
    // A service of one's own that gives no list has the models that were typed; presets are known better than that.
    const isBare = table.base_url !== undefined && unlisted.includes(id) && models.length > 0;
    return [id, isBare ? { ...table, models } : table];
  });
  return { addition: { providers: Object.fromEntries(providers), chain }, keys: fresh };
}

/** Whether there is anything to write at all. */
export function isEmptyPlan({ addition, keys }: SetupPlan): boolean {
  return keys.length === 0 && addition.chain === undefined && Object.keys(addition.providers).length === 0;
}

function modelsOf(provider: string, models: readonly string[]): string[] {
  return models.flatMap((model) => {
    const ref = parseModelRef(model);
    return ref?.provider === provider ? [ref.model] : [];
  });
}
