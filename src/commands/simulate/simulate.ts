import { type ArgDefs, type ArgsOf, defineCommand, usageProblem } from "../../cli/command.ts";
import { type Column, outputLook, tableText } from "../../cli/table.ts";
import { failureText, out, outJson, say } from "../../cli/talk.ts";
import { loadConfig } from "../../config/load.ts";
import { fingerprint, type Key, keyTitle } from "../../core/key.ts";
import { EXIT, type Problem } from "../../core/problem.ts";
import type { RequestRecord } from "../../core/routing/events.ts";
import type { Settings } from "../../core/settings/settings.ts";
import { counted, formatClock, formatDuration, parseDuration } from "../../core/text.ts";
import { costOf, type PriceOf } from "../../proxy/budgets.ts";
import { loadRunCatalog } from "../catalog.ts";
import { type CommandContext, readContext } from "../context.ts";
import { countText } from "../logs/log-text.ts";
import { openExistingState } from "../state.ts";
import { canReplay, decisionOf, replay } from "./replay.ts";

const SIMULATE_ARGS = {
  config: { type: "string", description: "Read this file instead of config.toml", valueHint: "FILE" },
  without: {
    type: "string",
    description: "Skip these keys, separated by commas",
    valueHint: "KEY",
    offers: { names: ["keys"] },
  },
  "with-keys": { type: "string", description: "Add so many keys to each provider", valueHint: "N" },
  since: { type: "string", description: "Include requests since then, such as 24h", valueHint: "DURATION" },
  json: { type: "boolean", description: 'Print {"requests","recorded","simulated",…}' },
} satisfies ArgDefs;

/** `orouter simulate`: the ledger's requests under another config or with other keys. */
export const simulateCommand = defineCommand({
  name: "simulate",
  about: "Replay recent requests with another config or other keys",
  examples: [
    { line: "orouter simulate", does: "replay the recorded requests with the current config and keys" },
    { line: "orouter simulate --with-keys 2", does: "the same with two more keys for each provider" },
    { line: "orouter simulate --since 24h --json", does: "the last day, for scripts" },
  ],
  args: SIMULATE_ARGS,
  run: simulate,
  children: {},
});

const PATH = ["orouter", "simulate"];
const MOST_KEYS = 1000;

async function simulate(args: ArgsOf<typeof SIMULATE_ARGS>): Promise<number> {
  const context = await readContext();
  const more = countArg(args.withKeys);
  const sinceMs = args.since === undefined ? 0 : Date.now() - durationArg(args.since);
  const settings =
    args.config === undefined ? context.settings : (await loadConfig({ configFile: args.config })).settings;
  const keys = [...without(context.keys, args.without), ...madeUp(context.keys, more)];
  const records = await recorded(context, sinceMs);
  const priceOf = await pricesOf(context, settings);
  const results = await replay({ records, settings, keys, priceOf });
  const comparison = compare(records, results, priceOf);
  if (args.json === true) outJson(comparison);
  else out(comparisonText(comparison, outputLook(context.settings.theme)));
  return EXIT.fine;
}

function countArg(text: string | undefined): number {
  if (text === undefined) return 0;
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0 && number <= MOST_KEYS) return number;
  throw usageProblem(`--with-keys takes a whole number from 0 to ${MOST_KEYS}.`, PATH);
}

function durationArg(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw usageProblem("--since takes a duration such as 24h or 30m.", PATH);
  return ms;
}

/** Keys are named as everywhere, with or without their provider. */
function without(keys: readonly Key[], names: string | undefined): Key[] {
  if (names === undefined) return [...keys];
  const asked = names.split(",").map((name) => name.trim());
  const isMeant = (key: Key, name: string): boolean => key.name === name || keyTitle(key) === name;
  const unknown = asked.find((name) => !keys.some((key) => isMeant(key, name)));
  if (unknown !== undefined) throw usageProblem("--without names a key that does not exist.", PATH);
  return keys.filter((key) => !asked.some((name) => isMeant(key, name)));
}

/** Keys that do not exist, as many for each provider that has some. */
function madeUp(keys: readonly Key[], more: number): Key[] {
  const providers = [...new Set(keys.flatMap(({ provider, enabled }) => (enabled ? provider : [])))];
  return providers.flatMap((provider) =>
    Array.from({ length: more }, (_, at): Key => {
      const name = `extra-${at + 1}`;
      const mark = fingerprint(`${provider} ${name}`);
      return {
        provider,
        name,
        fingerprint: mark,
        secret: "",
        enabled: true,
        source: "embedded",
        from: "simulate",
      };
    }),
  );
}

async function recorded(context: CommandContext, sinceMs: number): Promise<RequestRecord[]> {
  const troubles: Problem[] = [];
  const state = await openExistingState(context, (problem) => troubles.push(problem));
  const limit = context.settings.state.ledgerRows;
  const records = state?.ledger.requests({ limit, sinceMs }).toReversed() ?? [];
  await state?.close();
  for (const problem of troubles) say(failureText(problem));
  return records.toSorted((a, b) => a.atMs - b.atMs);
}

async function pricesOf({ keys, paths }: CommandContext, settings: Settings): Promise<PriceOf> {
  const { catalog, stop } = await loadRunCatalog({ settings, keys, paths });
  stop();
  return (model) => catalog.find(model)?.cost;
}

interface Outcome {
  served: number;
  failed: number;
  refusedCalls: number;
  /** Requests that waited for a second or more. */
  waited: number;
  waitedMs: number;
  tokens: number;
  /** By list prices; 0 where none are known. */
  usd: number;
  keys: { key: string; served: number; refused: number }[];
}

interface Comparison {
  /** The first and the last request; null where there is none. */
  fromMs: number | null;
  toMs: number | null;
  requests: number;
  /** Requests that name no model. */
  leftOut: number;
  /** Requests that asked the same keys and models in the same order, and ended in the same way. */
  same: number;
  recorded: Outcome;
  simulated: Outcome;
}

export function compare(
  records: readonly RequestRecord[],
  results: readonly RequestRecord[],
  priceOf: PriceOf,
): Comparison {
  const replayed = records.filter(canReplay);
  const before = new Map(replayed.map((record) => [record.id, decisionOf(record)]));
  return {
    fromMs: replayed[0]?.atMs ?? null,
    toMs: replayed.at(-1)?.atMs ?? null,
    requests: replayed.length,
    leftOut: records.length - replayed.length,
    same: results.filter((result) => before.get(result.id) === decisionOf(result)).length,
    recorded: outcomeOf(replayed, priceOf),
    simulated: outcomeOf(results, priceOf),
  };
}

const NOTABLE_WAIT_MS = 1000;

function outcomeOf(records: readonly RequestRecord[], priceOf: PriceOf): Outcome {
  const attempts = records.flatMap((record) => record.attempts);
  const served = records.filter(({ outcome }) => outcome === "served");
  const waits = records.filter(({ waitedMs }) => waitedMs >= NOTABLE_WAIT_MS);
  const byKey = Map.groupBy(
    attempts,
    (one) => `${one.model.slice(0, one.model.indexOf("/"))}/${one.keyName}`,
  );
  return {
    served: served.length,
    failed: records.filter(({ outcome }) => outcome !== "served" && outcome !== "client-gone").length,
    refusedCalls: attempts.filter(({ verdict }) => verdict !== "ok").length,
    waited: waits.length,
    waitedMs: waits.reduce((sum, { waitedMs }) => sum + waitedMs, 0),
    tokens: served.reduce((sum, one) => sum + (one.inputTokens ?? 0) + (one.outputTokens ?? 0), 0),
    usd: served.reduce(
      (sum, one) => sum + costOf(priceOf(one.served ?? ""), one.inputTokens ?? 0, one.outputTokens ?? 0),
      0,
    ),
    keys: [...byKey]
      .map(([key, calls]) => ({
        key,
        served: calls.filter(({ verdict }) => verdict === "ok").length,
        refused: calls.filter(({ verdict }) => verdict !== "ok").length,
      }))
      .toSorted((a, b) => a.key.localeCompare(b.key)),
  };
}

function comparisonText(comparison: Comparison, look: ReturnType<typeof outputLook>): string {
  const { requests, leftOut, same, recorded, simulated, fromMs, toMs } = comparison;
  if (fromMs === null || toMs === null) return "The ledger has no requests to replay yet.";
  const nowMs = Date.now();
  const columns: Column[] = [{ title: "" }, { title: "RECORDED" }, { title: "SIMULATED" }];
  const row = (name: string, textOf: (outcome: Outcome) => string): string[] => [
    name,
    textOf(recorded),
    textOf(simulated),
  ];
  const rows = [
    row("served", ({ served }) => String(served)),
    row("failed", ({ failed }) => String(failed)),
    row("refused calls", ({ refusedCalls }) => String(refusedCalls)),
    row("waited", ({ waited, waitedMs }) =>
      waited === 0 ? "0" : `${waited}, ${formatDuration(waitedMs)} in all`,
    ),
    row("tokens", ({ tokens }) => countText(tokens)),
    row("cost at list prices", ({ usd }) => `$${usd.toFixed(2)}`),
    ...keyRows(recorded, simulated),
  ];
  const extra = leftOut === 0 ? "" : ` ${counted(leftOut, "request")} without a model left out.`;
  return [
    `${counted(requests, "request")} from ${formatClock(fromMs, nowMs)} to ${formatClock(toMs, nowMs)}; ${same} decided as recorded.${extra}`,
    "",
    tableText(columns, rows, look),
  ].join("\n");
}

function keyRows(recorded: Outcome, simulated: Outcome): string[][] {
  const names = [...new Set([...recorded.keys, ...simulated.keys].map(({ key }) => key))].toSorted();
  const cell = (outcome: Outcome, name: string): string => {
    const found = outcome.keys.find(({ key }) => key === name);
    return found === undefined ? "-" : `${found.served} served, ${found.refused} refused`;
  };
  return names.map((name) => [name, cell(recorded, name), cell(simulated, name)]);
}
