import { FETCH_POLICIES } from "../../catalog/cache.ts";
import type { LoadedCatalog } from "../../catalog/load-catalog.ts";
import type { LoadedList } from "../../catalog/model-lists.ts";
import { type ArgDefs, defineCommand } from "../../cli/command.ts";
import { type Column, outputLook, type TableLook, tableText } from "../../cli/table.ts";
import { out, outJson, say, talk } from "../../cli/talk.ts";
import { type Catalog, plainEntry } from "../../core/catalog/catalog.ts";
import {
  type ModelCost,
  type ModelEntry,
  type ModelTraits,
  takesImages,
} from "../../core/catalog/model-list.ts";
import { CHAIN_PROVIDER, formatModelRef } from "../../core/model-ref.ts";
import { EXIT } from "../../core/problem.ts";
import { cooldownParty } from "../../core/routing/cooldown.ts";
import { namedModels } from "../../core/routing/targets.ts";
import type { Settings } from "../../core/settings/settings.ts";
import { formatDuration } from "../../core/text.ts";
import type { VerdictKind } from "../../core/verdict/verdict.ts";
import { openCatalog, providersWithKey } from "../catalog.ts";
import { type CommandContext, readContext } from "../context.ts";
import { findProvider } from "../keys/own-key.ts";
import { readCooldowns } from "../state.ts";

export function leftOutText(name: string, leftOut: readonly string[], hasLimits: boolean): string {
  if (!hasLimits)
    return `No limits are known for the models of ${name}. Add them under [[models]] in config.toml.`;
  return `Nothing is known about ${leftOut.join(", ")}: the limits of ${name} are those of its other models.`;
}

export function listNotes(loaded: LoadedCatalog, entries: readonly ListedEntry[]): string[] {
  const failed = loaded.lists.flatMap(failureNote);
  const { modelsDevFailure } = loaded;
  const notes =
    modelsDevFailure === undefined ? failed : [...failed, `Could not load models.dev: ${modelsDevFailure}.`];
  const leftOut = entries
    .filter((entry) => entry.leftOut.length > 0)
    .map(({ provider, id, leftOut: members, context }) =>
      leftOutText(`${provider}/${id}`, members, context !== undefined),
    );
  return [...notes, ...leftOut];
}

function failureNote({ provider, failure, from, ageMs }: LoadedList): string[] {
  if (failure === undefined) return [];
  const instead =
    from === "cache" && ageMs !== undefined
      ? `using the list from ${formatDuration(Math.max(0, ageMs))} ago`
      : "using built-in and configured models";
  return [`Could not load the models of ${provider}: ${failure}; ${instead}.`];
}

/** Scripts rely on these names; `failure` is null if nothing failed. */
export function listJson({ provider, from, ageMs, failure, list }: LoadedList) {
  return {
    id: provider,
    from,
    ageSeconds: ageMs === undefined ? null : Math.max(0, Math.round(ageMs / 1000)),
    models: list?.models.length ?? 0,
    failure: failure ?? null,
  };
}

export interface ListedEntry extends ModelEntry {
  provider: string;
  refusedBy: readonly ModelRefusal[];
}

export function listedModels(
  catalog: Catalog,
  providers: readonly string[],
  settings: Settings,
  refusals: Refusals = new Map(),
): ListedEntry[] {
  return providers.flatMap((provider) => {
    if (provider === CHAIN_PROVIDER) return chainEntries(catalog, settings);
    const listed = catalog.modelsOf(provider);
    const ids = new Set(listed.map((entry) => entry.id));
    const named = namedModels(settings)
      .filter((ref) => ref.provider === provider)
      .map((ref) => catalog.find(formatModelRef(ref)) ?? plainEntry(ref.model, "config"))
      .filter((entry) => !ids.has(entry.id));
    return [...listed, ...named].map((entry) => ({
      provider,
      refusedBy: refusals.get(`${provider}/${entry.id}`) ?? [],
      ...entry,
    }));
  });
}

function chainEntries(catalog: Catalog, settings: Settings): ListedEntry[] {
  return Object.keys(settings.chains).flatMap((name) => {
    const entry = catalog.find(`${CHAIN_PROVIDER}/${name}`);
    return entry === undefined ? [] : [{ provider: CHAIN_PROVIDER, refusedBy: [], ...entry }];
  });
}

/**
 * Scripts rely on these names. Unknown values are null; limits are in tokens, costs in dollars per million tokens;
 * `source` is one of live, models.dev, config, default; a refusal without a key applies to all.
 */
export function modelJson(entry: ListedEntry) {
  const { cost } = entry;
  return {
    provider: entry.provider,
    id: entry.id,
    name: entry.name,
    context: entry.context ?? null,
    output: entry.output ?? null,
    input: entry.input ?? null,
    toolCall: entry.toolCall ?? null,
    reasoning: entry.reasoning ?? null,
    vision: takesImages(entry) ?? null,
    inputs: entry.inputs ?? null,
    outputs: entry.outputs ?? null,
    cost:
      cost === undefined
        ? null
        : {
            input: cost.input,
            output: cost.output,
            cacheRead: cost.cacheRead ?? null,
            cacheWrite: cost.cacheWrite ?? null,
          },
    source: entry.source,
    isRetired: entry.isRetired,
    replacement: entry.replacement ?? null,
    leftOut: entry.leftOut,
    refusedBy: entry.refusedBy.map(({ keyName, why }) => ({ key: keyName ?? null, why })),
  };
}

const KIB = 1024;
const MILLION = 1_000_000;

/** `128k`, `1M`, `976k`; `-` if unknown. */
export function tokenText(tokens: number | undefined): string {
  if (tokens === undefined) return "-";
  if (tokens < 1000) return String(tokens);
  // Windows are round in decimal or binary; round all others to the nearest thousand.
  const isBinary = tokens % KIB === 0 && tokens % 1000 !== 0;
  const thousands = tokens / (isBinary ? KIB : 1000);
  const million = isBinary ? KIB : 1000;
  if (tokens >= MILLION) return `${trimmed(thousands / million)}M`;
  return `${trimmed(thousands < 10 ? thousands : Math.round(thousands))}k`;
}

/** Input and output, per million tokens. */
export function costText(cost: ModelCost | undefined): string {
  if (cost === undefined) return "-";
  if (cost.input === 0 && cost.output === 0) return "free";
  return `$${trimmed(cost.input)} / $${trimmed(cost.output)}`;
}

export function yesNo(flag: boolean | undefined): string {
  return flag === undefined ? "-" : flag ? "yes" : "no";
}

export function remarkOf(entry: ModelEntry): string {
  if (!entry.isRetired) return "";
  return entry.replacement === undefined ? "retired" : `retired, use ${entry.replacement}`;
}

/** For example `window 128k, output 32k, tools, no vision`. */
export function traitsText(traits: ModelTraits): string {
  const parts = [
    traits.context === undefined ? "window unknown" : `window ${tokenText(traits.context)}`,
    ...(traits.output === undefined ? [] : [`output ${tokenText(traits.output)}`]),
    ...abilityText(traits.toolCall, "tools"),
    ...abilityText(takesImages(traits), "vision"),
  ];
  return parts.join(", ");
}

export function choiceHint(entry: ModelEntry): string {
  const remark = remarkOf(entry);
  const traits = traitsText({ ...entry, output: undefined });
  return remark === "" ? traits : `${traits}, ${remark}`;
}

function abilityText(has: boolean | undefined, what: string): string[] {
  if (has === undefined) return [];
  return [has ? what : `no ${what}`];
}

function trimmed(amount: number): string {
  return String(Number(amount.toFixed(2)));
}

/** A key that cannot use a model; without a key name, none can. */
export interface ModelRefusal {
  keyName: string | undefined;
  why: VerdictKind;
}

export type Refusals = ReadonlyMap<string, readonly ModelRefusal[]>;

/** What a plan lacks, or what an account or the provider does not have. */
const NO_ACCESS: ReadonlySet<VerdictKind> = new Set(["subscription", "model-not-found"]);

/** A listed model may still be refused, and cooldowns remember the real refusals. */
export async function readRefusals(context: CommandContext, nowMs: number): Promise<Refusals> {
  const names = new Map(context.keys.map((key) => [key.fingerprint, key.name]));
  const refusals = new Map<string, ModelRefusal[]>();
  for (const cooldown of await readCooldowns(context)) {
    const { kind, scope, fingerprint, untilMs } = cooldown;
    const { model } = cooldownParty(cooldown);
    if (!NO_ACCESS.has(kind) || untilMs <= nowMs || model === undefined) continue;
    const keyName = scope === "lane" ? names.get(fingerprint ?? "") : undefined;
    // The cooldown of a removed key says nothing about the others.
    if (scope === "lane" && keyName === undefined) continue;
    refusals.set(model, [...(refusals.get(model) ?? []), { keyName, why: kind }]);
  }
  return refusals;
}

export function refusalText(refusals: readonly ModelRefusal[]): string {
  const namesOf = (why: VerdictKind): string =>
    refusals.flatMap((one) => (one.why === why ? (one.keyName ?? []) : [])).join(", ");
  const parts = [
    ["no plan", namesOf("subscription")],
    ["not for", namesOf("model-not-found")],
  ].filter(([, names]) => names !== "");
  const isGone = refusals.some((one) => one.keyName === undefined);
  return [...(isGone ? ["refused"] : []), ...parts.map(([what, names]) => `${what}: ${names}`)].join("; ");
}

const MODELS_LIST_ARGS = {
  provider: {
    type: "positional",
    required: false,
    description: "Show only this provider; orouter stands for chains",
    offers: { names: ["providers"], words: [CHAIN_PROVIDER] },
  },
  json: { type: "boolean", description: 'Print {"models":[…],"providers":[…]}' },
} satisfies ArgDefs;

export const modelsListCommand = defineCommand({
  name: "list",
  about: "List models with limits, abilities and cost",
  examples: [
    { line: "orouter models list", does: "of every provider with a key, and your chains" },
    { line: "orouter models list ollama-cloud", does: "of one provider" },
    { line: "orouter models list orouter --json", does: "your chains, for scripts" },
  ],
  args: MODELS_LIST_ARGS,
  run: async (args) => {
    await printModels(args.provider, args.json === true);
    return EXIT.fine;
  },
  children: {},
});

export async function printModels(id: string | undefined, asJson: boolean): Promise<void> {
  const context = await readContext();
  const { settings } = context;
  const only = id === undefined || id === CHAIN_PROVIDER ? undefined : findProvider(settings, id);
  const loaded = await openCatalog(context, FETCH_POLICIES.list, only);
  const shown = id === undefined ? [CHAIN_PROVIDER, ...providersWithKey(context).map((one) => one.id)] : [id];
  const entries = listedModels(loaded.catalog, shown, settings, await readRefusals(context, Date.now()));
  for (const note of listNotes(loaded, entries)) talk.warn(note);
  if (asJson) outJson({ models: entries.map(modelJson), providers: loaded.lists.map(listJson) });
  else if (entries.length > 0) out(listText(entries, outputLook(settings.theme)));
  else say(nothingText(id));
}

function nothingText(id: string | undefined): string {
  if (id === CHAIN_PROVIDER) return "No chains yet. Create one: orouter chain add NAME PROVIDER/MODEL";
  if (id !== undefined) return `Nothing is known about the models of ${id}.`;
  return "No keys yet, so there are no models. Add one: orouter keys add ollama-cloud";
}

function listText(entries: readonly ListedEntry[], look: TableLook): string {
  const columns: Column[] = [
    { title: "MODEL", shrinks: true },
    { title: "CONTEXT" },
    { title: "OUTPUT" },
    { title: "TOOLS" },
    { title: "VISION" },
    { title: "COST" },
    { title: "SOURCE", tone: () => "muted" },
    { title: "REMARK", shrinks: true, tone: () => "warn" },
  ];
  const rows = entries.map((entry) => [
    `${entry.provider}/${entry.id}`,
    tokenText(entry.context),
    tokenText(entry.output),
    yesNo(entry.toolCall),
    yesNo(takesImages(entry)),
    costText(entry.cost),
    entry.source,
    [remarkOf(entry), refusalText(entry.refusedBy)].filter((text) => text !== "").join("; "),
  ]);
  // An empty column leaves its room to the others.
  const used = columns.map((column, at) => column.title !== "REMARK" || rows.some((row) => row[at] !== ""));
  return tableText(
    columns.filter((_, at) => used[at]),
    rows.map((row) => row.filter((_, at) => used[at])),
    look,
  );
}
