import type { Paint, Tone } from "../../cli/paint.ts";
import { type Column, tableText } from "../../cli/table.ts";
import type { BenchResult } from "../../core/bench/bench-result.ts";
import { firstTokenText, NO_FIGURE, speedText } from "../../core/bench/figure-text.ts";
import { type ModelTraits, takesImages } from "../../core/catalog/model-entry.ts";
import { formatClock } from "../../core/clock-text.ts";
import { ANY_MODEL } from "../../core/model-ref.ts";
import type { ModelReadiness } from "../../core/routing/readiness.ts";
import { readinessText } from "../../core/routing/readiness-text.ts";
import { tokenText, yesNo } from "../models/model-words.ts";
import type { ChainsView, ChainView, FallbackView, MemberView } from "./chain-view.ts";

/** The room chains may take, and their colours. */
export interface ChainsLook {
  width: number;
  paint: Paint;
}

/** A line of the table: a chain with what all of its models can do, or one of its models. */
interface Row {
  name: string;
  traits: ModelTraits;
  member: MemberView | undefined;
}

interface ChainColumn extends Column {
  cell: (row: Row) => string;
}

/** From here on there is room for the reasons of rests. */
const WIDE_COLUMNS = 110;

/** Below this the names of models need the room of the longest answers. */
const ROOMY_COLUMNS = 90;

/** All chains with their models, and what stands behind single models. */
export function chainsText({ chains, fallbacks, nowMs }: ChainsView, look: ChainsLook): string {
  const parts = [
    ...(chains.length === 0 ? [] : [chainTable(chains, nowMs, look)]),
    ...(fallbacks.length === 0 ? [] : [fallbackTable(fallbacks, look)]),
  ];
  return parts.join("\n\n");
}

/** The table of some chains: each one's own line has what its models have in common. */
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

/** A dash for a model that was not measured; nothing for a chain, which is as quick as whoever answers. */
function benchCell(member: MemberView | undefined, text: (bench: BenchResult) => string): string {
  if (member === undefined) return "";
  return member.bench === undefined ? NO_FIGURE : text(member.bench);
}

function stateText(member: ModelReadiness, nowMs: number, width: number): string {
  const { readiness, keys, ready } = member;
  if (readiness.kind === "ready") return ready === keys ? "ready" : `${ready} of ${keys} ready`;
  if (readiness.kind !== "rests" || width >= WIDE_COLUMNS) return readinessText(readiness, nowMs);
  return `until ${formatClock(readiness.rest.untilMs, nowMs)}`;
}

function toneOf(member: ModelReadiness | undefined): Tone | undefined {
  if (member === undefined) return undefined;
  if (member.readiness.kind === "ready") return member.ready === member.keys ? "good" : "warn";
  return member.readiness.kind === "rests" ? "warn" : "bad";
}

function fallbackTable(fallbacks: readonly FallbackView[], look: ChainsLook): string {
  const columns: Column[] = [
    { title: "SINGLE MODEL", shrinks: true },
    { title: "BEHIND IT, IN ORDER", shrinks: true },
  ];
  const rows = fallbacks.flatMap(({ model, entries }) =>
    entries.map((entry, at) => [at === 0 ? singleName(model) : "", entry]),
  );
  return tableText(columns, rows, look);
}

/** How a key of `[fallbacks]` is shown. */
export function singleName(model: string): string {
  return model === ANY_MODEL ? "* (every other)" : model;
}
