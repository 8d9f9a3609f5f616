import { statSync } from "node:fs";
import * as v from "valibot";
import type { Column } from "../../cli/table.ts";
import { type CredentialStamp, credentialWatch } from "../../config/opencode-auth.ts";
import { type BenchResult, firstTokenText, speedText } from "../../core/bench/results.ts";
import { keyTitle } from "../../core/key.ts";
import { parseModelRef } from "../../core/model-ref.ts";
import { Problem } from "../../core/problem.ts";
import type { QuotaRecord } from "../../core/quota/quota.ts";
import { type QuotaLine, quotaLines } from "../../core/quota/quota-lines.ts";
import { type Cooldown, cooldownParty, ownerOf } from "../../core/routing/cooldown.ts";
import {
  keyReadiness,
  lastingCooldowns,
  type ModelReadiness,
  modelReadiness,
  type Readiness,
} from "../../core/routing/readiness.ts";
import type { Strategy } from "../../core/routing/session.ts";
import { expandModels } from "../../core/settings/chains.ts";
import type { Settings } from "../../core/settings/settings.ts";
import { formatWait } from "../../core/text.ts";
import { type FoundRun, findRuns, type RunCard } from "../../harness/run/run-dir.ts";
import type { KeyUsage, LedgerEntry } from "../../ledger/request-rows.ts";
import { startOfDayMs } from "../../proxy/budgets.ts";
import type { SharedRun } from "../../store/store.ts";
import { keepLoopbackDirect } from "../catalog.ts";
import { type CommandContext, readContextAgain } from "../context.ts";
import { type ListedKey, listKeys } from "../keys/own-key.ts";
import { openExistingState, type State } from "../state.ts";

export interface StatusSnapshot {
  nowMs: number;
  strategy: Strategy;
  /** Oldest first. */
  runs: readonly StatusRun[];
  /** Runs of other machines that share a store with this one. */
  elsewhere: readonly SharedRun[];
  keys: readonly StatusKey[];
  /** Active cooldowns, the earliest end first. */
  cooldowns: readonly StatusCooldown[];
  chains: readonly StatusChain[];
  benches: readonly BenchResult[];
  /** Newest first. */
  requests: readonly LedgerEntry[];
}

export interface StatusKey extends ListedKey {
  readiness: Readiness;
  /** Requests in progress with this key, in all runs. */
  inFlight: number;
  /** The pids of runs in which the key is switched the other way, for that run only. */
  switchedIn: readonly number[];
  /** The windows of its quota, as they were last read. */
  quota: readonly QuotaLine[];
  /** Since local midnight. */
  today: Pick<KeyUsage, "requests" | "refusals" | "inputTokens" | "outputTokens">;
}

export interface StatusCooldown {
  cooldown: Cooldown;
  /** The key's name, or its fingerprint if unknown; undefined for a model or a provider. */
  key: string | undefined;
  /** Undefined for a key or a provider as a whole. */
  model: string | undefined;
  provider: string | undefined;
}

export interface StatusChain {
  name: string;
  models: readonly (ModelReadiness & { model: string })[];
}

export interface SnapshotParts {
  context: Pick<CommandContext, "settings" | "entries" | "keys" | "paths">;
  runs: readonly StatusRun[];
  elsewhere?: readonly SharedRun[];
  cooldowns: Iterable<Cooldown>;
  usage: readonly KeyUsage[];
  quotas: readonly QuotaRecord[];
  benches: readonly BenchResult[];
  requests: readonly LedgerEntry[];
  nowMs: number;
}

export function snapshotOf({
  context,
  runs,
  elsewhere = [],
  cooldowns,
  usage,
  quotas,
  benches,
  requests,
  nowMs,
}: SnapshotParts): StatusSnapshot {
  const { settings } = context;
  const lasting = lastingCooldowns(cooldowns, nowMs);
  const used = new Map(usage.map((one) => [one.fingerprint, one]));
  const listed = listKeys(context);
  const keys = listed.map((key) => ({
    ...key,
    readiness: keyReadiness(key, lasting),
    inFlight: inFlightOf(key, runs),
    switchedIn: runs.filter((run) => isSwitched(key, run)).map(({ pid }) => pid),
    quota: quotaOf(key, quotas, nowMs),
    today: used.get(key.fingerprint ?? "") ?? NOTHING,
  }));
  return {
    nowMs,
    strategy: settings.routing.strategy,
    runs,
    elsewhere,
    keys,
    cooldowns: [...lasting.values()]
      .toSorted((a, b) => a.untilMs - b.untilMs || a.id.localeCompare(b.id))
      .map((cooldown) => partyOf(cooldown, listed)),
    chains: chainsOf(context, lasting),
    benches,
    requests,
  };
}

function quotaOf(
  { provider, fingerprint }: ListedKey,
  quotas: readonly QuotaRecord[],
  nowMs: number,
): QuotaLine[] {
  const record = quotas.find((one) => one.provider === provider && one.fingerprint === fingerprint);
  return record === undefined ? [] : quotaLines(record, nowMs);
}

const NOTHING = { requests: 0, refusals: 0, inputTokens: 0, outputTokens: 0 };

function inFlightOf(key: ListedKey, runs: readonly StatusRun[]): number {
  return runs.flatMap((run) => loadsOf(key, run)).reduce((sum, { inFlight }) => sum + inFlight, 0);
}

function isSwitched(key: ListedKey, run: StatusRun): boolean {
  return loadsOf(key, run).some(({ enabled }) => enabled !== key.enabled);
}

function loadsOf({ provider, fingerprint }: ListedKey, { load }: StatusRun): KeyLoad[] {
  return (load?.keys ?? []).filter((one) => one.provider === provider && one.fingerprint === fingerprint);
}

function chainsOf({ settings, keys }: SnapshotParts["context"], lasting: ReadonlyMap<string, Cooldown>) {
  return Object.keys(settings.chains).map((name) => ({
    name,
    models: expandModels([name], settings.chains).flatMap((model) => {
      const ref = parseModelRef(model);
      return ref === undefined ? [] : [{ model, ...modelReadiness(ref, keys, lasting) }];
    }),
  }));
}

function partyOf(cooldown: Cooldown, keys: readonly ListedKey[]): StatusCooldown {
  const party = cooldownParty(cooldown);
  const { fingerprint, model, provider } = party;
  if (fingerprint === undefined) return { cooldown, key: undefined, model, provider };
  const owner = ownerOf(party, keys);
  const key = owner === undefined ? `${fingerprint.slice(0, 5)}…` : keyTitle(owner);
  return { cooldown, key, model, provider };
}

export interface StatusRun extends RunCard {
  /** Undefined if the run did not answer: it may be stopped (Ctrl-Z) or about to end. */
  load: RunLoad | undefined;
}

export interface RunLoad {
  inFlight: number;
  waiting: number;
  /** Until when the first of them is held for a reset; undefined where none is. */
  heldUntilMs: number | undefined;
  keys: readonly KeyLoad[];
}

export interface KeyLoad {
  provider: string;
  fingerprint: string;
  enabled: boolean;
  inFlight: number;
}

/** A live run answers at once. */
const ASK_MS = 400;

/** The part of `/_orouter/state` that is used here; other versions of orouter may send more. */
const STATE = v.object({
  keys: v.array(
    v.object({ provider: v.string(), fingerprint: v.string(), enabled: v.boolean(), inFlight: v.number() }),
  ),
  waiting: v.number(),
  waits: v.optional(v.array(v.object({ untilMs: v.number(), isHold: v.optional(v.boolean(), false) })), []),
});

export function askRuns(root: string): Promise<StatusRun[]> {
  keepLoopbackDirect(process.env);
  return Promise.all(findRuns(root).map(askRun));
}

async function askRun({ token, ...card }: FoundRun): Promise<StatusRun> {
  try {
    const response = await fetch(`${card.url}/_orouter/state`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(ASK_MS),
    });
    const { keys, waiting, waits } = v.parse(STATE, await response.json());
    const inFlight = keys.reduce((sum, key) => sum + key.inFlight, 0);
    const held = waits.flatMap(({ untilMs, isHold }) => (isHold ? untilMs : []));
    const heldUntilMs = held.length === 0 ? undefined : Math.min(...held);
    return { ...card, load: { inFlight, waiting, heldUntilMs, keys } };
  } catch {
    return { ...card, load: undefined };
  }
}

/** Reads config and keys again when their files change, and the state of all runs. */
export class StatusSource {
  /** Each failure is reported once, when the screen is free. */
  readonly troubles: Problem[] = [];
  readonly #cooldowns = new Map<string, Cooldown>();
  #context: CommandContext;
  #state: State | undefined;
  readonly #credentials: () => Promise<CredentialStamp>;
  #filesSeen: string | undefined;

  constructor(context: CommandContext) {
    this.#context = context;
    this.#credentials = credentialWatch(context.paths.opencodeDatabase);
  }

  async read(requests: number): Promise<StatusSnapshot> {
    await this.#lookAtFiles();
    this.#state ??= await this.#open();
    const ledger = this.#state?.ledger;
    const runs = await askRuns(this.#context.paths.runRoot);
    const elsewhere = (await this.#state?.store.runs.others()) ?? [];
    const nowMs = Date.now();
    return snapshotOf({
      context: this.#context,
      runs,
      elsewhere,
      cooldowns: this.#cooldowns.values(),
      quotas: (await this.#state?.store.quotas.all()) ?? [],
      usage: ledger?.usageSince(startOfDayMs(nowMs)) ?? [],
      benches: ledger?.benches() ?? [],
      requests: ledger?.requests({ limit: requests }) ?? [],
      nowMs,
    });
  }

  get theme(): Settings["theme"] {
    return this.#context.settings.theme;
  }

  async close(): Promise<void> {
    await this.#state?.close();
  }

  /** An edited file may be invalid for a moment; the previous version stays active. */
  async #lookAtFiles(): Promise<void> {
    const marks = `${fileMarks(this.#context)} ${(await this.#credentials()).text}`;
    const isFirst = this.#filesSeen === undefined;
    if (marks === this.#filesSeen) return;
    this.#filesSeen = marks;
    if (isFirst) return;
    try {
      this.#context = await readContextAgain(this.#context);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#note(error);
    }
  }

  async #open(): Promise<State | undefined> {
    const state = await openExistingState(this.#context, (problem) => this.#note(problem));
    for (const cooldown of (await state?.store.cooldowns.all()) ?? [])
      this.#cooldowns.set(cooldown.id, cooldown);
    state?.store.watch((news) => {
      for (const cooldown of news.set) this.#cooldowns.set(cooldown.id, cooldown);
      for (const id of news.cleared) this.#cooldowns.delete(id);
    });
    return state;
  }

  #note(problem: Problem): void {
    if (!this.troubles.some((known) => known.message === problem.message)) this.troubles.push(problem);
  }
}

function fileMarks({ paths }: Pick<CommandContext, "paths">): string {
  return [paths.configFile, paths.keysFile, paths.opencodeAuthFile].map(markOf).join(" ");
}

function markOf(file: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(file);
    return `${mtimeMs}:${size}:${ino}`;
  } catch {
    return "none";
  }
}

/** `bench --all` may have left hundreds of results. */
const MODELS = 10;

export const SPEED_COLUMNS: readonly Column[] = [
  { title: "SPEED", shrinks: true },
  { title: "FIRST TOKEN" },
  { title: "TOKENS/S" },
  { title: "MEASURED", tone: () => "muted" },
];

/** Newest first. */
export function speedRows(benches: readonly BenchResult[], nowMs: number): string[][] {
  return benches
    .toSorted((a, b) => b.atMs - a.atMs)
    .slice(0, MODELS)
    .map((bench) => [
      bench.model,
      firstTokenText(bench).padStart("FIRST TOKEN".length),
      speedText(bench).padStart("TOKENS/S".length),
      `${formatWait(Math.max(0, nowMs - bench.atMs))} ago`,
    ]);
}
