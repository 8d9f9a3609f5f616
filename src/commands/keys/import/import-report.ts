import { talk } from "../../../cli/talk.ts";
import type { ImportSource } from "../../../config/imports/import-source.ts";
import { counted } from "../../../core/counted.ts";
import type { SettingOffer } from "../../../core/imports/setting-offers.ts";
import { keyTitle } from "../../../core/key.ts";
import { describeKey } from "../find-key.ts";
import type { ListedKey } from "../listed-key.ts";
import type { ImportResult } from "./take-import.ts";

/** Tells what an import has done, and which settings it could have taken; never with a secret. */
export function tellImport(
  result: ImportResult,
  keysFile: string,
  offered: readonly SettingOffer[] = [],
): void {
  const { added, known, twice, leftOut, settings, providers } = result;
  for (const key of added)
    talk.success(`Added ${describeKey(key)}${key.enabled ? "" : ", disabled as it was"}.`);
  if (added.length > 0) talk.info(`${counted(added.length, "key")} went into ${keysFile}.`);
  if (known.length > 0) talk.info(`There already: ${known.map(keyTitle).join(", ")}.`);
  if (twice.length > 0)
    talk.info(`Came more than once, taken once: ${[...new Set(twice.map(keyTitle))].join(", ")}.`);
  for (const sentence of leftOut) talk.info(sentence);
  for (const id of providers) talk.success(`Wrote [providers.${id}] into config.toml: its keys need it.`);
  for (const one of settings) talk.success(`Set ${offerText(one, "before")}.`);
  if (offered.length > 0)
    talk.info(`Not taken, for want of --settings: ${offered.map((one) => offerText(one)).join("; ")}.`);
  if (added.length + settings.length === 0) talk.info("Nothing had to be added.");
}

/** `routing.strategy = "round-robin" (now "sticky")` */
export function offerText({ path, value, now }: SettingOffer, when: "now" | "before" = "now"): string {
  const was = now === undefined ? "" : ` (${when} ${JSON.stringify(now)})`;
  const text = typeof value === "object" ? `[${value.join(", ")}]` : JSON.stringify(value);
  return `${path.join(".")} = ${text}${was}`;
}

/** `3 keys of ollama-cloud` */
export function sourceText({ found: { keys, leftOut } }: ImportSource): string {
  const providers = [...new Set(keys.map(({ provider }) => provider))];
  if (keys.length === 0) return `no key that can be used (${leftOut.length} left out)`;
  const whose = providers.length > 3 ? `${providers.length} services` : providers.join(", ");
  return `${counted(keys.length, "key")} of ${whose}`;
}

/** The summary for scripts. */
export function importJson(
  sources: readonly ImportSource[],
  result: ImportResult,
  offered: readonly SettingOffer[],
) {
  return {
    sources: sources.map(({ kind, from, tool, found }) => ({ kind, from, tool, keys: found.keys.length })),
    added: result.added.map(({ provider, name, fingerprint, enabled }: ListedKey) => {
      return { provider, name, fingerprint: fingerprint ?? null, enabled };
    }),
    known: result.known,
    twice: result.twice,
    leftOut: result.leftOut,
    providers: result.providers,
    settings: result.settings.map(offerJson),
    offered: offered.map(offerJson),
  };
}

function offerJson({ path, value, now }: SettingOffer) {
  return { path: path.join("."), value, before: now ?? null };
}
