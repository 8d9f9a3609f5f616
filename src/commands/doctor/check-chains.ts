import { retirementOf } from "../../core/catalog/retired-models.ts";
import { wireModelId } from "../../core/catalog/wire-model-id.ts";
import { counted } from "../../core/counted.ts";
import { formatModelRef, type ModelRef } from "../../core/model-ref.ts";
import { namedModels } from "../../core/routing/targets.ts";
import { providerOf, type Settings } from "../../core/settings/settings.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";
import type { Patient } from "./patient.ts";

const CHECK = "chains";

/** What providers have listed just now, by their id; without those that were not asked or listed nothing. */
export type LiveLists = ReadonlyMap<string, ReadonlySet<string>>;

/** Whether each model that chains and fallbacks name can be had. */
export function checkChains(
  { settings, keys }: Pick<Patient, "settings" | "keys">,
  live: LiveLists,
): Finding[] {
  const models = namedModels(settings);
  if (models.length === 0) return [ok(CHECK, "none")];
  const withKey = new Set((keys ?? []).filter((key) => key.enabled).map((key) => key.provider));
  const findings = [
    ...(keys === undefined ? [] : withoutKey(models, withKey, settings)),
    ...models.flatMap((ref) => modelFindings(ref, settings, live)),
  ];
  if (findings.length > 0) return findings;
  const chains = Object.keys(settings.chains).length;
  return [ok(CHECK, `${counted(chains, "chain")}, ${models.length} models, each with a key`)];
}

/** One finding for a provider, however many models of it are named. */
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
      CHECK,
      `${refs.map(formatModelRef).join(", ")} cannot be asked: there is no key of ${provider}.`,
      `orouter keys add ${provider}`,
    ),
  );
}

function modelFindings(ref: ModelRef, settings: Settings, live: LiveLists): Finding[] {
  const provider = providerOf(settings, ref.provider);
  if (provider === undefined) return [];
  const id = wireModelId(ref.model, provider.baseUrl);
  const listed = live.get(provider.id);
  // A model that is back is in the list, whatever was announced.
  if (listed?.has(id) === true || provider.models.includes(ref.model)) return [];
  const gone = retirementOf(ref.provider, id);
  if (gone !== undefined) {
    const instead = gone.replacement === undefined ? "another model" : `${ref.provider}/${gone.replacement}`;
    return [
      wrong(
        CHECK,
        `${formatModelRef(ref)} has been retired by its provider.`,
        `Name ${instead} in its place in config.toml.`,
      ),
    ];
  }
  return listed === undefined
    ? []
    : [note(CHECK, `${provider.id} does not list ${ref.model}.`, `See: orouter models list ${provider.id}`)];
}
