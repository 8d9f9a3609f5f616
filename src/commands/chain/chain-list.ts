import { FETCH_POLICIES } from "../../catalog/cache.ts";
import type { Paint, Tone } from "../../cli/colour.ts";
import { type ArgDefs, defineCommand } from "../../cli/command.ts";
import { type Column, outputLook, tableText } from "../../cli/table.ts";
import { out, outJson, say, talk } from "../../cli/talk.ts";
import { type BenchResult, firstTokenText, NO_FIGURE, speedText } from "../../core/bench/results.ts";
import { type Catalog, commonOf } from "../../core/catalog/catalog.ts";
import { withOverrides } from "../../core/catalog/model-kinds.ts";
import { type ModelTraits, takesImages, UNKNOWN_TRAITS } from "../../core/catalog/model-list.ts";
import { ANY_MODEL, CHAIN_PROVIDER, parseModelRef } from "../../core/model-ref.ts";
import { EXIT } from "../../core/problem.ts";
import type { Cooldown } from "../../core/routing/cooldown.ts";
import {
  lastingCooldowns,
  type ModelReadiness,
  modelReadiness,
  readinessJson,
  readinessText,
} from "../../core/routing/readiness.ts";
import { expandModels } from "../../core/settings/chains.ts";
import { formatClock } from "../../core/text.ts";
import { openCatalog } from "../catalog.ts";
import { type CommandContext, readContext } from "../context.ts";
import { leftOutText, tokenText, yesNo } from "../models/models-list.ts";
import { openExistingState } from "../state.ts";

export interface ChainView {
  name: string;
  /** As written in config.toml: models, and names of other chains. */
  entries: readonly string[];
  traits: ModelTraits;
  /** Models without known limits; the traits are those of the others. */
  leftOut: readonly string[];
  /** The models behind the entries, in the order they are tried. */
  members: readonly MemberView[];
}

export interface MemberView extends ModelReadiness {
  model: string;
  traits: ModelTraits;
  /** The last result, unless it is too old to matter. */
  bench: BenchResult | undefined;
}

export interface FallbackView {
  model: string;
  entries: readonly string[];
  models: readonly string[];
}

export interface ChainsView {
  nowMs: number;
  chains: readonly ChainView[];
  fallbacks: readonly FallbackView[];
}

export async function viewChains(context: CommandContext, catalog: Catalog): Promise<ChainsView> {
  const { settings } = context;
  const sight = await lookAt(context, catalog);
  return {
    nowMs: sight.nowMs,
    chains: Object.keys(settings.chains).map((name) => viewChain(name, sight)),
    fallbacks: Object.entries(settings.fallbacks).map(([model, entries]) => ({
      model,
      entries,
      models: expandModels(entries, settings.chains),
    })),
  };
}

export async function viewModels(
  models: readonly string[],
  context: CommandContext,
  catalog: Catalog,
): Promise<MemberView[]> {
  const sight = await lookAt(context, catalog);
  return models.flatMap((model) => viewMember(model, sight));
}

interface Sight {
  context: CommandContext;
  catalog: Catalog;
  nowMs: number;
  lasting: ReadonlyMap<string, Cooldown>;
  benches: readonly BenchResult[];
}

async function lookAt(context: CommandContext, catalog: Catalog): Promise<Sight> {
  // `doctor` reports a state file that cannot be read; list the models without it.
  const state = await openExistingState(context, () => {});
  const [cooldowns, benches] = [(await state?.store.cooldowns.all()) ?? [], state?.ledger.benches() ?? []];
  await state?.close();
  const nowMs = Date.now();
  return { context, catalog, nowMs, lasting: lastingCooldowns(cooldowns, nowMs), benches };
}

function viewChain(name: string, sight: Sight): ChainView {
  const { settings } = sight.context;
  const models = expandModels([name], settings.chains);
  // The editor may have changed the chain after the catalog was built, so compute its traits again.
  const { traits, leftOut } = commonOf(models, sight.catalog.find);
  return {
    name,
    entries: settings.chains[name] ?? [],
    traits: withOverrides(`${CHAIN_PROVIDER}/${name}`, traits, settings.models),
    leftOut,
    members: models.flatMap((model) => viewMember(model, sight)),
  };
}

function viewMember(model: string, { context, catalog, lasting, benches }: Sight): MemberView[] {
  const ref = parseModelRef(model);
  if (ref === undefined) return [];
  const reach = modelReadiness(ref, context.keys, lasting);
  const bench = benches.find((one) => one.model === model);
  return [{ model, traits: catalog.find(model) ?? UNKNOWN_TRAITS, bench, ...reach }];
}

/**
 * Scripts rely on these names, which match `models --json` and `status --json`. Limits are in tokens, times are
 * milliseconds since 1970, unknown values are null. `bench` holds the medians of the last benchmark.
 */
export function chainsJson({ chains, fallbacks }: ChainsView) {
  return { version: 2, chains: chains.map(chainJson), fallbacks: fallbacks.map(fallbackJson) };
}

function chainJson({ name, entries, traits, leftOut, members }: ChainView) {
  return { name, entries, ...traitsJson(traits), leftOut, models: members.map(memberJson) };
}

function memberJson({ model, traits, keys, ready, readiness, bench }: MemberView) {
  return {
    model,
    ...traitsJson(traits),
    keys,
    ready,
    ...readinessJson(readiness),
    bench:
      bench === undefined
        ? null
        : {
            atMs: bench.atMs,
            firstTokenMs: bench.firstTokenMs.median,
            tokensPerSecond: bench.tokensPerSecond?.median ?? null,
            isEstimated: bench.isEstimated,
          },
  };
}

function traitsJson(traits: ModelTraits) {
  return {
    context: traits.context ?? null,
    output: traits.output ?? null,
    toolCall: traits.toolCall ?? null,
    vision: takesImages(traits) ?? null,
  };
}

function fallbackJson({ model, entries, models }: FallbackView) {
  return { model, entries, models };
}

export interface ChainsLook {
  width: number;
  paint: Paint;
}

interface Row {
  name: string;
  traits: ModelTraits;
  member: MemberView | undefined;
}

interface ChainColumn extends Column {
  cell: (row: Row) => string;
}

/** From this width on, the reason of a cooldown fits. */
const WIDE_COLUMNS = 110;

/** Below this width the model names need the room of the longest cells. */
const ROOMY_COLUMNS = 90;

export function chainsText({ chains, fallbacks, nowMs }: ChainsView, look: ChainsLook): string {
  const parts = [
    ...(chains.length === 0 ? [] : [chainTable(chains, nowMs, look)]),
    ...(fallbacks.length === 0 ? [] : [fallbackTable(fallbacks, look)]),
  ];
  return parts.join("\n\n");
}

/** The row of a chain shows what all its models have in common. */
export function chainTable(chains: readonly ChainView[], nowMs: number, look: ChainsLook): string {
  const rows = chains.flatMap(rowsOf);
  const hasBench = rows.some(({ member }) => member?.bench !== undefined);
  const columns: ChainColumn[] = [
    {
      title: "CHAIN",
      shrinks: true,
      tone: (at) => (rows[at]?.member === undefined ? "accent" : undefined),
      cell: (row) => row.name,
    },
    { title: "WINDOW", cell: ({ traits }) => tokenText(traits.context).padStart("WINDOW".length) },
    ...(hasBench && look.width < ROOMY_COLUMNS ? [] : [OUTPUT_COLUMN]),
    { title: "TOOLS", cell: ({ traits }) => yesNo(traits.toolCall) },
    { title: "VISION", cell: ({ traits }) => yesNo(takesImages(traits)) },
    ...(hasBench ? BENCH_COLUMNS : []),
    {
      title: "NOW",
      shrinks: true,
      tone: (at) => toneOf(rows[at]?.member),
      cell: ({ member }) => (member === undefined ? "" : stateText(member, nowMs, look.width)),
    },
  ];
  const cells = rows.map((row) => columns.map(({ cell }) => cell(row)));
  return tableText(columns, cells, look);
}

const OUTPUT_COLUMN: ChainColumn = {
  title: "OUTPUT",
  cell: ({ traits }) => tokenText(traits.output).padStart("OUTPUT".length),
};

const BENCH_COLUMNS: readonly ChainColumn[] = [
  { title: " FIRST", cell: ({ member }) => benchCell(member, firstTokenText).padStart(" FIRST".length) },
  { title: "TOK/S", cell: ({ member }) => benchCell(member, speedText).padStart("TOK/S".length) },
];

function rowsOf({ name, traits, members }: ChainView): Row[] {
  const width = String(members.length).length;
  return [
    { name, traits, member: undefined },
    ...members.map((member, at) => ({
      name: `${String(at + 1).padStart(width)} ${member.model}`,
      traits: member.traits,
      member,
    })),
  ];
}

/** A dash for a model that was not measured; nothing for a chain, which has no speed. */
function benchCell(member: MemberView | undefined, text: (bench: BenchResult) => string): string {
  if (member === undefined) return "";
  return member.bench === undefined ? NO_FIGURE : text(member.bench);
}

function stateText(member: ModelReadiness, nowMs: number, width: number): string {
  const { readiness, keys, ready } = member;
  if (readiness.kind === "ready") return ready === keys ? "ready" : `${ready} of ${keys} ready`;
  if (readiness.kind !== "cooling-down" || width >= WIDE_COLUMNS) return readinessText(readiness, nowMs);
  return `until ${formatClock(readiness.cooldown.untilMs, nowMs)}`;
}

function toneOf(member: ModelReadiness | undefined): Tone | undefined {
  if (member === undefined) return undefined;
  if (member.readiness.kind === "ready") return member.ready === member.keys ? "good" : "warn";
  return member.readiness.kind === "cooling-down" ? "warn" : "bad";
}

function fallbackTable(fallbacks: readonly FallbackView[], look: ChainsLook): string {
  const columns: Column[] = [
    { title: "MODEL", shrinks: true },
    { title: "FALLS BACK TO, IN ORDER", shrinks: true },
  ];
  const rows = fallbacks.flatMap(({ model, entries }) =>
    entries.map((entry, at) => [at === 0 ? singleName(model) : "", entry]),
  );
  return tableText(columns, rows, look);
}

export function singleName(model: string): string {
  return model === ANY_MODEL ? "* (every other)" : model;
}

const CHAIN_LIST_ARGS = {
  json: { type: "boolean", description: 'Print {"chains":[…],"fallbacks":[…]}' },
} satisfies ArgDefs;

export const chainListCommand = defineCommand({
  name: "list",
  about: "List chains with their models and the state of each",
  examples: [
    { line: "orouter chain list", does: "a chain's own line has what all of its models can do" },
    { line: "orouter chain list --json", does: "the same for scripts" },
  ],
  args: CHAIN_LIST_ARGS,
  run: async (args) => {
    await printChains(args.json === true);
    return EXIT.fine;
  },
  children: {},
});

export async function printChains(asJson: boolean): Promise<void> {
  const context = await readContext();
  const { catalog } = await openCatalog(context, FETCH_POLICIES.info);
  const view = await viewChains(context, catalog);
  for (const note of view.chains.flatMap(leftOutNote)) talk.warn(note);
  if (asJson) {
    outJson(chainsJson(view));
    return;
  }
  if (view.chains.length === 0) say("No chains yet. Create one: orouter chain add NAME PROVIDER/MODEL");
  const text = chainsText(view, outputLook(context.settings.theme));
  if (text !== "") out(text);
}

export function leftOutNote({
  name,
  leftOut,
  members,
}: Pick<ChainView, "name" | "leftOut" | "members">): string[] {
  if (leftOut.length === 0) return [];
  return [leftOutText(name, leftOut, leftOut.length < members.length)];
}
