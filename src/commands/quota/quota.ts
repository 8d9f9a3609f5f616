import { type Paint, paintFor, type Tone } from "../../cli/colour.ts";
import { type ArgDefs, type ArgsOf, defineCommand, usageProblem } from "../../cli/command.ts";
import { hasScreen, showLive } from "../../cli/screen.ts";
import { type Column, outputLook, tableText } from "../../cli/table.ts";
import { failureText, out, outJson, say } from "../../cli/talk.ts";
import { keyTitle } from "../../core/key.ts";
import { EXIT, type Problem } from "../../core/problem.ts";
import { type QuotaLine, quotaBar, resetWords } from "../../core/quota/quota-lines.ts";
import { formatWait } from "../../core/text.ts";
import { loadRunCatalog } from "../catalog.ts";
import { type CommandContext, readContext, requireKey } from "../context.ts";
import { openOwnState, type State } from "../state.ts";
import { freshRecords, type KeyQuota, keyQuotas, LEARNED_FROM_MS } from "./collect-quotas.ts";
import { spendsToday } from "./watch-quota.ts";

const QUOTA_ARGS = {
  watch: { type: "boolean", alias: "w", description: "Redraw until q or Ctrl-C" },
  json: { type: "boolean", description: 'Print {"now","keys":[{"provider","name","windows",…}]}' },
} satisfies ArgDefs;

export const quotaCommand = defineCommand({
  name: "quota",
  about: "Show what is left on each key, and until when",
  examples: [
    { line: "orouter quota", does: "ask the providers that tell, and show every window" },
    { line: "orouter quota --watch", does: "the same, redrawn; q quits" },
    { line: "orouter quota --json", does: "the same for scripts" },
  ],
  args: QUOTA_ARGS,
  run: quota,
  children: {},
});

const PATH = ["orouter", "quota"];
const DRAW_EVERY_MS = 2_000;

/** A reading of a moment ago is as good as a new one. */
const FRESH_MS = 10_000;

async function quota(args: ArgsOf<typeof QUOTA_ARGS>): Promise<number> {
  const isWatching = args.watch === true;
  if (isWatching && args.json === true)
    throw usageProblem("--watch and --json exclude each other. Run quota --json repeatedly instead.", PATH);
  if (isWatching && !hasScreen()) throw usageProblem("--watch needs a terminal.", PATH);
  const context = await readContext();
  requireKey(context.keys);
  const troubles: Problem[] = [];
  const state = await openOwnState(context, (problem) => troubles.push(problem));
  try {
    if (isWatching) await watch(context, state);
    else await print(context, state, args.json === true);
  } finally {
    await state.close();
  }
  for (const problem of troubles) say(failureText(problem));
  return EXIT.fine;
}

async function collect(context: CommandContext, state: State, maxAgeMs: number): Promise<KeyQuota[]> {
  const { settings, keys } = context;
  const records = await freshRecords({ settings, keys, store: state.store, maxAgeMs, nowMs: Date.now() });
  const nowMs = Date.now();
  const { ledger } = state;
  const hasBudget = keys.some(({ dailyBudget }) => dailyBudget !== undefined);
  const isPriced =
    hasBudget || Object.values(settings.providers).some(({ dailyBudget }) => dailyBudget !== undefined);
  const spends = isPriced ? spendsToday(ledger, await pricesOf(context), nowMs) : new Map();
  const calls = ledger.callsSince(nowMs - LEARNED_FROM_MS);
  return keyQuotas({ settings, keys, records, calls, spends, nowMs });
}

async function pricesOf({ settings, keys, paths }: CommandContext) {
  const { catalog, stop } = await loadRunCatalog({ settings, keys, paths });
  stop();
  return (model: string) => catalog.find(model)?.cost;
}

async function print(context: CommandContext, state: State, asJson: boolean): Promise<void> {
  const quotas = await collect(context, state, FRESH_MS);
  const nowMs = Date.now();
  if (asJson) outJson(quotaJson(quotas, nowMs));
  else out(quotaText(quotas, { ...outputLook(context.settings.theme), nowMs }));
}

function watch(context: CommandContext, state: State): Promise<void> {
  const maxAgeMs = Math.max(FRESH_MS, context.settings.quota.pollMs);
  return showLive({
    draw: async ({ columns }) => {
      const paint = paintFor(process.stdout, context.settings.theme);
      const quotas = await collect(context, state, maxAgeMs);
      return quotaText(quotas, { width: columns, paint, nowMs: Date.now() });
    },
    everyMs: DRAW_EVERY_MS,
  });
}

interface QuotaLook {
  width: number;
  paint: Paint;
  nowMs: number;
}

const BAR_WIDTH = 20;

const STATE_WORDS: Record<KeyQuota["state"], string> = {
  known: "nothing that is counted",
  "no-plan": "no plan",
  "key-rejected": "the provider refuses the key",
  unknown: "unknown",
  "not-read": "not known: its provider does not tell",
};

/** Every window of every key, with a bar that fills with what is used. */
export function quotaText(quotas: readonly KeyQuota[], { width, paint, nowMs }: QuotaLook): string {
  const tones: (Tone | undefined)[] = [];
  const rows = quotas.flatMap((one): string[][] => {
    if (one.lines.length === 0) {
      tones.push("muted");
      const why = one.why === undefined ? "" : `: ${one.why}`;
      return [[keyTitle(one.key), "-", "", STATE_WORDS[one.state] + why, "", ""]];
    }
    return one.lines.map((line, at) => {
      tones.push(toneOf(line));
      return [
        at === 0 ? keyTitle(one.key) : "",
        line.window,
        quotaBar(line, BAR_WIDTH, nowMs),
        line.text + noteOf(line, one, nowMs),
        resetWords(line.resetsAt, nowMs),
        line.forecast ?? "",
      ];
    });
  });
  const tone = (row: number): Tone | undefined => tones[row];
  const columns: Column[] = [
    { title: "KEY", shrinks: true },
    { title: "WINDOW" },
    { title: "USED", tone },
    { title: "", shrinks: true, tone },
    { title: "RESETS" },
    { title: "AT THIS PACE", shrinks: true },
  ];
  return tableText(columns, rows, { width, paint });
}

/** The colour comes from what is left. */
function toneOf({ usedShare, blocking }: QuotaLine): Tone | undefined {
  if (usedShare === null || !blocking) return "muted";
  if (usedShare >= 1) return "bad";
  return usedShare >= 0.8 ? "warn" : "good";
}

/** Old numbers are shown as old. */
const OLD_MS = 15 * 60_000;

function noteOf(line: QuotaLine, { state, why, readAtMs }: KeyQuota, nowMs: number): string {
  if (line.source === "learned") return ", by orouter's own count";
  if (line.source === "budget" || readAtMs === undefined) return "";
  if (state === "unknown") return `, from before (${why})`;
  return nowMs - readAtMs > OLD_MS ? `, ${formatWait(nowMs - readAtMs)} ago` : "";
}

/** As `quota --json` prints it. Times are milliseconds since 1970; what is not known is null. */
function quotaJson(quotas: readonly KeyQuota[], nowMs: number) {
  return {
    now: nowMs,
    keys: quotas.map(({ key, state, why, readAtMs, lines }) => ({
      provider: key.provider,
      name: key.name,
      fingerprint: key.fingerprint,
      state,
      why: why ?? null,
      readAt: readAtMs ?? null,
      windows: lines,
    })),
  };
}
