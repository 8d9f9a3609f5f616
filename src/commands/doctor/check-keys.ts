import { retirementOf, wireModelId } from "../../core/catalog/model-kinds.ts";
import { type Key, keyTitle } from "../../core/key.ts";
import { formatModelRef, type ModelRef } from "../../core/model-ref.ts";
import type { Cooldown } from "../../core/routing/cooldown.ts";
import { keyReadiness, lastingCooldowns } from "../../core/routing/readiness.ts";
import { namedModels } from "../../core/routing/targets.ts";
import { providerOf, type Settings } from "../../core/settings/settings.ts";
import { counted, formatClock } from "../../core/text.ts";
import { verdictWords } from "../../core/verdict/verdict.ts";
import { freshRecords, keyQuotas, unknownText } from "../quota/collect-quotas.ts";
import { openExistingState } from "../state.ts";
import { type DoctorContext, type Finding, note, ok, wrong } from "./doctor-context.ts";

const KEYS = "keys";
const CHAINS = "chains";

export function checkKeys(
  { keys }: Pick<DoctorContext, "keys">,
  cooldowns: readonly Cooldown[],
  nowMs: number,
): Finding[] {
  // Another finding already says why the keys could not be read.
  if (keys === undefined) return [];
  const usable = keys.filter((key) => key.enabled);
  if (keys.length === 0)
    return [wrong(KEYS, "No API keys found.", "orouter keys add ollama-cloud (or nvidia, openrouter, …)")];
  if (usable.length === 0)
    return [wrong(KEYS, `All ${keys.length} keys are disabled.`, "orouter keys enable NAME")];
  const lasting = lastingCooldowns(cooldowns, nowMs);
  const dead: Finding[] = [];
  const cooling: Finding[] = [];
  for (const key of usable) {
    const state = keyReadiness(key, lasting);
    if (state.kind === "dead") dead.push(deadFinding(key, state.cooldown));
    if (state.kind === "cooling-down") {
      const until = formatClock(state.cooldown.untilMs, nowMs);
      const what = `${keyTitle(key)} is cooling down until ${until}: ${verdictWords(state.cooldown.kind)}.`;
      cooling.push(note(KEYS, what, `Use it again now: orouter keys reset ${keyTitle(key)}`));
    }
  }
  const ready = usable.length - dead.length - cooling.length;
  const providers = new Set(usable.map((key) => key.provider)).size;
  const count = `${ready} of ${usable.length} ready, of ${counted(providers, "provider")}`;
  const overall =
    ready > 0
      ? ok(KEYS, `${count}; orouter keys test tries each`)
      : wrong(
          KEYS,
          `No key is ready: ${count}.`,
          "Add a key: orouter keys add PROVIDER; or see: orouter status",
        );
  return [overall, ...dead, ...cooling];
}

function deadFinding(key: Key, cooldown: Cooldown): Finding {
  const title = keyTitle(key);
  return wrong(
    KEYS,
    `${title} is dead: ${verdictWords(cooldown.kind)}.`,
    `See what the provider says: orouter keys test ${title}. If the key is good: orouter keys reset ${title}. Add a new one: orouter keys add ${key.provider}`,
  );
}

/** The models that providers list now; without providers that were not asked or list nothing. */
export type LiveLists = ReadonlyMap<string, ReadonlySet<string>>;

export function checkChains(
  { settings, keys }: Pick<DoctorContext, "settings" | "keys">,
  live: LiveLists,
): Finding[] {
  const models = namedModels(settings);
  if (models.length === 0) return [ok(CHAINS, "none")];
  const withKey = new Set((keys ?? []).filter((key) => key.enabled).map((key) => key.provider));
  const findings = [
    ...(keys === undefined ? [] : withoutKey(models, withKey, settings)),
    ...models.flatMap((ref) => modelFindings(ref, settings, live)),
  ];
  if (findings.length > 0) return findings;
  const chains = Object.keys(settings.chains).length;
  return [ok(CHAINS, `${counted(chains, "chain")}, ${counted(models.length, "model")}, each with a key`)];
}

/** One finding per provider, however many of its models are named. */
function withoutKey(
  models: readonly ModelRef[],
  withKey: ReadonlySet<string>,
  settings: Settings,
): Finding[] {
  // A provider that is not set up at all is a warning about config.toml.
  const missing = models.filter(
    ({ provider }) => !withKey.has(provider) && providerOf(settings, provider) !== undefined,
  );
  return [...Map.groupBy(missing, (ref) => ref.provider)].map(([provider, refs]) =>
    wrong(
      CHAINS,
      `${refs.map(formatModelRef).join(", ")} cannot be used: ${provider} has no key.`,
      `orouter keys add ${provider}`,
    ),
  );
}

function modelFindings(ref: ModelRef, settings: Settings, live: LiveLists): Finding[] {
  const provider = providerOf(settings, ref.provider);
  if (provider === undefined) return [];
  const id = wireModelId(ref.model, provider.baseUrl);
  const listed = live.get(provider.id);
  // A model that is listed again is back, whatever was announced.
  if (listed?.has(id) === true || provider.models.includes(ref.model)) return [];
  const gone = retirementOf(ref.provider, id);
  if (gone !== undefined) {
    const instead = gone.replacement === undefined ? "another model" : `${ref.provider}/${gone.replacement}`;
    return [
      wrong(
        CHAINS,
        `${formatModelRef(ref)} has been retired by its provider.`,
        `Replace it with ${instead} in config.toml.`,
      ),
    ];
  }
  return listed === undefined
    ? []
    : [note(CHAINS, `${provider.id} does not list ${ref.model}.`, `See: orouter models list ${provider.id}`)];
}

const QUOTA = "quota";

/** doctor creates no files. */
const NOT_KEPT = { quotas: { all: async () => [], set: () => {} } };

/** Whether the quota of each key can be read, and why not. A key works all the same. */
export async function checkQuotas({ settings, keys = [], paths }: DoctorContext): Promise<Finding[]> {
  if (!settings.quota.enabled) return [note(QUOTA, "Quotas are not read: [quota] enabled is false.")];
  // Trouble with the file is a finding of its own.
  const state = await openExistingState({ settings, keys, paths }, () => {});
  const nowMs = Date.now();
  const store = state?.store ?? NOT_KEPT;
  const records = await freshRecords({ settings, keys, store, maxAgeMs: settings.quota.pollMs, nowMs });
  await state?.close();
  const quotas = keyQuotas({ settings, keys, records, calls: [], spends: new Map(), nowMs });
  const known = quotas.filter((one) => one.state === "known").length;
  const unknown = quotas.flatMap((one) => unknownText(one) ?? []);
  const overall = known === 0 && unknown.length === 0 ? [] : [ok(QUOTA, `known of ${counted(known, "key")}`)];
  return [
    ...overall,
    ...unknown.map((what) => note(QUOTA, what, "The key is used all the same. See: orouter quota")),
  ];
}
