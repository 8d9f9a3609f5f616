import type { SeedPlugin } from "../../config/imports/seed-plugins.ts";
import type { OpencodeConfig } from "../../config/opencode-configs.ts";
import { opencodeId } from "../../core/overlay/opencode-providers.ts";
import { redact } from "../../core/redact.ts";
import { isTable } from "../../core/settings/setting-faults.ts";
import { hasDoubledVersion } from "./doubled-version.ts";
import { type Finding, ok, wrong } from "./finding.ts";
import type { Patient } from "./patient.ts";

const CHECK = "opencode's config";

/** Whether opencode's own configuration lets it reach our providers. */
export function checkOpencodeConfig(
  patient: Patient,
  configs: readonly OpencodeConfig[],
  plugins: readonly SeedPlugin[],
): Finding[] {
  const findings = [
    ...configs.flatMap(unreadable),
    ...switchedOff(patient, configs),
    ...plugins.map(pluginFinding),
    ...configs.flatMap(doubledAddresses),
  ];
  return findings.length > 0 ? findings : [ok(CHECK, "nothing in it stands in the way")];
}

function unreadable({ from, value }: OpencodeConfig): Finding[] {
  if (value !== undefined) return [];
  return [
    wrong(
      CHECK,
      `${from} is no JSON object, so opencode does not start with it.`,
      "Mend it in an editor, or unset it.",
    ),
  ];
}

/** opencode takes each of these lists from the last config that has one. */
function switchedOff({ keys, settings }: Patient, configs: readonly OpencodeConfig[]): Finding[] {
  const used = new Set((keys ?? []).filter((key) => key.enabled).map((key) => opencodeId(key.provider)));
  if (Object.keys(settings.chains).length > 0) used.add("orouter");
  const disabled = lastList(configs, "disabled_providers");
  const enabled = lastList(configs, "enabled_providers");
  const off = [...used].filter((id) => disabled?.list.includes(id) === true);
  const left = [...used].filter((id) => enabled?.list.includes(id) === false);
  return [
    ...(off.length === 0 || disabled === undefined
      ? []
      : [
          wrong(
            CHECK,
            `${off.join(", ")} ${off.length === 1 ? "is" : "are"} switched off by disabled_providers in ${disabled.from}: opencode shows no model of ${off.length === 1 ? "it" : "them"}.`,
            `Take ${off.length === 1 ? "it" : "them"} out of disabled_providers there.`,
          ),
        ]),
    ...(left.length === 0 || enabled === undefined
      ? []
      : [
          wrong(
            CHECK,
            `enabled_providers in ${enabled.from} leaves out ${left.join(", ")}: opencode shows no model of ${left.length === 1 ? "it" : "them"}.`,
            `Add ${left.map((id) => JSON.stringify(id)).join(", ")} to enabled_providers there.`,
          ),
        ]),
  ];
}

function lastList(
  configs: readonly OpencodeConfig[],
  name: string,
): { from: string; list: unknown[] } | undefined {
  const config = configs.findLast(({ value }) => Array.isArray(value?.[name]));
  const list = config?.value?.[name];
  return config === undefined || !Array.isArray(list) ? undefined : { from: config.from, list };
}

function pluginFinding({ name, from }: SeedPlugin): Finding {
  return wrong(
    CHECK,
    `The plugin ${name} is loaded (${from}): it puts keys of its own into calls that are orouter's to answer.`,
    from.endsWith(".json") || from.endsWith(".jsonc")
      ? `Take it out of "plugin" there; its keys can be taken over first: orouter keys import`
      : `Take it away; its keys can be taken over first: orouter keys import`,
  );
}

/** What older generators of such configs wrote: every call then ends in a 404. */
function doubledAddresses({ from, value }: OpencodeConfig): Finding[] {
  const providers = value?.["provider"];
  if (!isTable(providers)) return [];
  return Object.entries(providers).flatMap(([id, provider]) => {
    const options = isTable(provider) ? provider["options"] : undefined;
    const baseUrl = isTable(options) ? options["baseURL"] : undefined;
    if (typeof baseUrl !== "string" || !hasDoubledVersion(baseUrl)) return [];
    const what = `${from} has ${redact(baseUrl, [])} as the baseURL of ${id}: /v1 is there twice, and every call is answered with 404.`;
    return [wrong(CHECK, what, "Write /v1 once there.")];
  });
}
