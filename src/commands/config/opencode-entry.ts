import { looksLikeSecret } from "../../cli/looks-like-secret.ts";
import { textArg } from "../../cli/text-arg.ts";
import { usageProblem } from "../../cli/usage-problem.ts";
import type { VerbArgs } from "../../cli/verb.ts";
import type { Env } from "../../config/paths.ts";
import type { OpenCodeConfigParts } from "../../core/opencode-config/build-opencode-config.ts";
import { firstModels } from "../../core/opencode-config/first-models.ts";
import type { StandingProvider } from "../../core/opencode-config/standing-provider.ts";
import { normalizeBaseUrl } from "../../core/settings/base-url.ts";
import { toProvider } from "../../core/settings/provider.ts";
import { providerOf, type Settings } from "../../core/settings/settings.ts";
import { emptyProvider } from "../../core/settings/settings-schema.ts";

/** What the flags say about an entry; undefined is what they leave as it is. */
export interface WantedEntry {
  id: string;
  name: string | undefined;
  /** Normalised. */
  baseURL: string | undefined;
  models: readonly string[] | undefined;
  modelLabels: Readonly<Record<string, string>>;
}

/** An entry that only lacks its key, and the key it would usually have. */
export interface PlannedEntry extends Omit<OpenCodeConfigParts, "apiKey"> {
  usualKey: string | undefined;
}

export const PATH = ["orouter", "config", "opencode"];

const PROVIDER_ID = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** Reads the flags about the provider. */
export function wantedEntry(args: VerbArgs): WantedEntry {
  const id = textArg(args, "provider") ?? "omniroute";
  // Neither is repeated: a key in a strange place is exactly what a message must not show.
  if (!PROVIDER_ID.test(id) || looksLikeSecret(id))
    throw usageProblem("--provider takes an id: letters, digits and . _ -", PATH);
  const name = textArg(args, "name");
  if (name !== undefined && looksLikeSecret(name))
    throw usageProblem("--name takes what people call the provider, and this looks like a key.", PATH);
  const address = textArg(args, "base-url");
  const baseURL = address === undefined ? undefined : normalizeBaseUrl(address);
  if (address !== undefined && baseURL === undefined) {
    throw usageProblem(
      "--base-url takes an http(s) address without user name, query or fragment, such as http://localhost:20128",
      PATH,
    );
  }
  return { id, name, baseURL, ...wantedModels(textArg(args, "models")) };
}

/** `auto=Auto-Combo,gpt-5.5`: ids, each with a label if need be. */
function wantedModels(text: string | undefined): Pick<WantedEntry, "models" | "modelLabels"> {
  if (text === undefined) return { models: undefined, modelLabels: {} };
  const pairs = text.split(",").map((part) => {
    const [id = "", ...label] = part.split("=");
    return { id: id.trim(), label: label.join("=").trim() };
  });
  const named = pairs.filter(({ id }) => id !== "");
  if (named.length === 0) throw usageProblem("--models takes ids with commas between them.", PATH);
  const labels = named.filter(({ label }) => label !== "").map(({ id, label }) => [id, label]);
  return { models: [...new Set(named.map(({ id }) => id))], modelLabels: Object.fromEntries(labels) };
}

/** Joins what is wanted, what stands in the file and what is known of the provider, in this order. */
export function planEntry(
  wanted: WantedEntry,
  standing: StandingProvider,
  { settings, env }: { settings: Settings; env: Env },
): PlannedEntry {
  const { id } = wanted;
  const known = providerOf(settings, id);
  const old =
    standing.baseURL === undefined ? undefined : (normalizeBaseUrl(standing.baseURL) ?? standing.baseURL);
  const baseURL = wanted.baseURL ?? old ?? known?.baseUrl;
  if (baseURL === undefined)
    throw usageProblem(`Nothing is known of ${id}: say where it is, with --base-url.`, PATH);
  const models = [wanted.models, standing.models, known?.models, firstModels(id)].find(
    (list) => list?.length,
  );
  if (models === undefined) throw usageProblem(`Say which models ${id} has: --models ONE,OTHER`, PATH);
  const atAddress = toProvider(id, { ...emptyProvider(), base_url: baseURL });
  const variable = (known ?? atAddress)?.env.find((name) => (env[name] ?? "").trim() !== "");
  // A key is for its own address only.
  const oldKey = old !== undefined && originOf(old) === originOf(baseURL) ? standing.apiKey : undefined;
  return {
    id,
    name: wanted.name ?? standing.name ?? known?.name ?? id,
    baseURL,
    apiMode: known?.api,
    models,
    modelLabels: { ...standing.modelLabels, ...wanted.modelLabels },
    usualKey: oldKey ?? (variable === undefined ? atAddress?.placeholderKey : `{env:${variable}}`),
  };
}

/** Addresses that opencode is to put together itself are compared as they are written. */
function originOf(address: string): string {
  return URL.parse(address)?.origin ?? address;
}
