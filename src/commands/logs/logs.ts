import { listenForInterruption, pause } from "../../cli/ask.ts";
import { paintFor } from "../../cli/colour.ts";
import {
  type ArgDefs,
  type ArgsOf,
  defineCommand,
  looksLikeSecret,
  secretInWords,
  usageProblem,
} from "../../cli/command.ts";
import { outputWidth } from "../../cli/table.ts";
import { failureText, say, writeData } from "../../cli/talk.ts";
import { CHAIN_PROVIDER, parseModelRef } from "../../core/model-ref.ts";
import { EXIT } from "../../core/problem.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { LedgerEntry, LedgerFilter } from "../../ledger/request-rows.ts";
import { type CommandContext, readContext } from "../context.ts";
import { listKeys, matchingKeys, unknownKey } from "../keys/own-key.ts";
import { openExistingState, type State } from "../state.ts";
import { requestJson, requestLines } from "./log-text.ts";

/** What the ledger can filter, and a predicate for the rest. */
export interface LogFilter {
  ledger: Omit<LedgerFilter, "limit" | "afterSeq">;
  /** Undefined if the ledger's own filter covers everything. */
  matches: ((entry: LedgerEntry) => boolean) | undefined;
}

/** Five digits are enough to tell a user's keys apart; `keys list` shows all twelve. */
const FINGERPRINT = /^[0-9a-f]{5,12}$/i;

export function logFilter(args: ArgsOf<typeof LOGS_ARGS>): LogFilter {
  const key = args.key;
  const model = args.model;
  const session = args.session;
  const named = key === undefined ? { keyName: undefined, matches: undefined } : keyFilter(key);
  return {
    ledger: {
      failuresOnly: args.failures === true,
      keyName: named.keyName,
      // A chain is also requested by its name.
      model: model === undefined || parseModelRef(model) !== undefined ? model : `${CHAIN_PROVIDER}/${model}`,
      session,
    },
    matches: named.matches,
  };
}

/** The fingerprint also finds a key that was renamed. */
function keyFilter(text: string): Pick<LogFilter, "matches"> & { keyName: string | undefined } {
  const slash = text.indexOf("/");
  if (slash > 0) {
    const provider = `${text.slice(0, slash)}/`;
    const keyName = text.slice(slash + 1);
    return {
      keyName,
      matches: ({ attempts }) =>
        attempts.some((attempt) => attempt.keyName === keyName && attempt.model.startsWith(provider)),
    };
  }
  if (FINGERPRINT.test(text)) {
    const digits = text.toLowerCase();
    return {
      keyName: undefined,
      matches: ({ attempts }) =>
        attempts.some((attempt) => attempt.fingerprint.startsWith(digits) || attempt.keyName === text),
    };
  }
  if (looksLikeSecret(text)) throw secretInWords();
  return { keyName: text, matches: undefined };
}

const DEFAULT_LINES = 20;
const MAX_LINES = 10_000_000;

export function lineCount(args: ArgsOf<typeof LOGS_ARGS>, path: readonly string[]): number {
  const text = args.lines;
  if (text === undefined) return DEFAULT_LINES;
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= MAX_LINES) return count;
  throw usageProblem(`-n must be a number of requests of at least 1, not ${JSON.stringify(text)}.`, path);
}

const LOGS_ARGS = {
  follow: { type: "boolean", alias: "f", description: "Print new requests as they finish, until Ctrl-C" },
  failures: { type: "boolean", description: "Show only requests with a failed attempt" },
  json: { type: "boolean", description: 'Print one object per line: {"seq","id","attempts",…}' },
  key: {
    type: "string",
    description: "Show only requests that tried this key",
    valueHint: "KEY",
    offers: { names: ["keys"] },
  },
  model: {
    type: "string",
    description: "Show only requests for this model or chain",
    valueHint: "PROVIDER/MODEL",
    offers: { names: ["picks"] },
  },
  session: { type: "string", description: "Show only requests of this session", valueHint: "ID" },
  lines: {
    type: "string",
    alias: "n",
    description: "Show the last N requests (default: 20)",
    valueHint: "N",
  },
} satisfies ArgDefs;

export const logsCommand = defineCommand({
  name: "logs",
  about: "Show recent requests and the keys and models they tried",
  examples: [
    { line: "orouter logs", does: "the last 20" },
    { line: "orouter logs --failures -n 100", does: "those where a key or a model failed, rescued ones too" },
    { line: "orouter logs --follow", does: "print new requests until Ctrl-C" },
    { line: "orouter logs --key nvidia/work --json", does: "one key's, an object a line" },
  ],
  args: LOGS_ARGS,
  run: logs,
  children: {
    clear: {
      about: "Delete all recorded requests",
      load: async () => (await import("./logs-clear.ts")).logsClearCommand,
    },
  },
});

/** Other processes write with a delay of a tenth of a second, so a shorter interval finds nothing more. */
const LOOK_EVERY_MS = 250;

/** Far more than opencode can send between two polls. */
const NEW_AT_ONCE = 10_000;

const WAITING = "Waiting for requests. Stop with Ctrl-C.";

async function logs(args: ArgsOf<typeof LOGS_ARGS>): Promise<number> {
  const filter = logFilter(args);
  const count = lineCount(args, ["orouter", "logs"]);
  const context = await readContext();
  const print = args.json === true ? printJson : textPrinter(context);
  const isFollowing = args.follow === true;
  const open = (): Promise<State | undefined> =>
    openExistingState(context, (problem) => say(failureText(problem)));
  let state = await open();
  try {
    const first = state === undefined ? [] : lastRequests(state.ledger, { filter, count, context });
    if (first.length === 0 && !isFollowing) refuseUnknownKey(args.key, context);
    if (first.length === 0) say(isFollowing ? WAITING : emptyText(state?.ledger, filter, context));
    if (!print(first) || !isFollowing) return EXIT.fine;
    using interruption = listenForInterruption();
    state = await openOnceThere(open, state, interruption.signal);
    const seen = first.at(-1)?.seq ?? 0;
    if (state !== undefined) await follow(state.ledger, seen, { filter, print, signal: interruption.signal });
    return EXIT.fine;
  } finally {
    await state?.close();
  }
}

/** A removed key may still be in the ledger, so reject a name only if it has no request. */
function refuseUnknownKey(asked: string | undefined, context: CommandContext): void {
  if (asked === undefined) return;
  const keys = listKeys(context);
  if (matchingKeys(keys, asked).length === 0) throw unknownKey(asked, keys);
}

function emptyText(ledger: Ledger | undefined, filter: LogFilter, { settings }: CommandContext): string {
  const isFiltered = filter.matches !== undefined || Object.values(filter.ledger).some((value) => value);
  if (isFiltered && ledger !== undefined && ledger.requests({ limit: 1 }).length > 0)
    return "No recent request matches.";
  if (!settings.state.ledger)
    return "No requests. config.toml turns their record off: [state] ledger = false.";
  return "No requests yet. They are recorded while orouter opencode or orouter serve runs.";
}

function lastRequests(
  ledger: Ledger,
  { filter, count, context }: { filter: LogFilter; count: number; context: CommandContext },
): LedgerEntry[] {
  const { matches } = filter;
  // Read all rows if the ledger cannot filter by this.
  const limit = matches === undefined ? count : context.settings.state.ledgerRows;
  const found = ledger.requests({ ...filter.ledger, limit });
  return (matches === undefined ? found : found.filter(matches).slice(0, count)).toReversed();
}

async function openOnceThere(
  open: () => Promise<State | undefined>,
  opened: State | undefined,
  signal: AbortSignal,
): Promise<State | undefined> {
  let state = opened;
  while (state === undefined && !signal.aborted) {
    await pause(LOOK_EVERY_MS, signal);
    state = await open();
  }
  return state;
}

interface Following {
  filter: LogFilter;
  /** Returns false once the reader has gone. */
  print: (entries: readonly LedgerEntry[]) => boolean;
  signal: AbortSignal;
}

async function follow(
  ledger: Ledger,
  firstSeen: number,
  { filter, print, signal }: Following,
): Promise<void> {
  let seen = firstSeen;
  let isRead = true;
  while (isRead && !signal.aborted) {
    const newest = ledger.requests({ limit: 1 })[0]?.seq ?? 0;
    // A new state file counts from 1 again.
    if (newest < seen) seen = 0;
    const news = ledger.requests({ ...filter.ledger, afterSeq: seen, limit: NEW_AT_ONCE }).toReversed();
    // Rows up to here need not be read again.
    seen = Math.max(newest, news.at(-1)?.seq ?? 0);
    isRead = print(filter.matches === undefined ? news : news.filter(filter.matches));
    if (isRead) await pause(LOOK_EVERY_MS, signal);
  }
}

function textPrinter({ settings }: CommandContext): Following["print"] {
  const paint = paintFor(process.stdout, settings.theme);
  // The terminal may be resized while it follows.
  return (entries) =>
    printLines(entries.flatMap((entry) => requestLines(entry, { width: outputWidth(), paint })));
}

function printJson(entries: readonly LedgerEntry[]): boolean {
  return printLines(entries.map((entry) => JSON.stringify(requestJson(entry))));
}

function printLines(lines: readonly string[]): boolean {
  return lines.length === 0 || writeData(`${lines.join("\n")}\n`);
}
