import type { BenchResult } from "../../core/bench/bench-result.ts";
import { keyTitle } from "../../core/key.ts";
import { parseModelRef } from "../../core/model-ref.ts";
import {
  keyReadiness,
  lastingRests,
  type ModelReadiness,
  modelReadiness,
  type Readiness,
} from "../../core/routing/readiness.ts";
import type { Rest } from "../../core/routing/rest.ts";
import { ownerOf, restParty } from "../../core/routing/rest-party.ts";
import type { Strategy } from "../../core/routing/strategy.ts";
import { expandModels } from "../../core/settings/chains.ts";
import type { LedgerEntry } from "../../state/ledger.ts";
import type { KeyUsage } from "../../state/usage.ts";
import { type ListedKey, listKeys } from "../keys/listed-key.ts";
import type { World } from "../world.ts";
import type { KeyLoad, StatusRun } from "./ask-runs.ts";

/** What is known at one moment, as a value: the table and the JSON are made of it. */
export interface StatusSnapshot {
  nowMs: number;
  strategy: Strategy;
  /** The oldest first. */
  runs: readonly StatusRun[];
  keys: readonly StatusKey[];
  /** Everyone at rest, whoever frees itself first in front. */
  rests: readonly StatusRest[];
  chains: readonly StatusChain[];
  /** The last result of each model that was measured. */
  benches: readonly BenchResult[];
  /** The newest first. */
  requests: readonly LedgerEntry[];
}

export interface StatusKey extends ListedKey {
  readiness: Readiness;
  /** Calls with it that are under way, in all runs. */
  inFlight: number;
  /** The runs, by pid, in which somebody has switched it the other way; that lasts as long as they do. */
  switchedIn: readonly number[];
  /** Since midnight, where the reader is. */
  today: Pick<KeyUsage, "requests" | "refusals" | "inputTokens" | "outputTokens">;
}

export interface StatusRest {
  rest: Rest;
  /** The key it is about, by name where that is known; undefined for a model or a provider. */
  key: string | undefined;
  /** The model it is about; undefined for a key or a provider as a whole. */
  model: string | undefined;
  provider: string | undefined;
}

export interface StatusChain {
  name: string;
  models: readonly (ModelReadiness & { model: string })[];
}

export interface SnapshotParts {
  world: Pick<World, "settings" | "entries" | "keys" | "paths">;
  runs: readonly StatusRun[];
  rests: Iterable<Rest>;
  usage: readonly KeyUsage[];
  benches: readonly BenchResult[];
  requests: readonly LedgerEntry[];
  nowMs: number;
}

/** Puts together what the files and the state say. */
export function snapshotOf({
  world,
  runs,
  rests,
  usage,
  benches,
  requests,
  nowMs,
}: SnapshotParts): StatusSnapshot {
  const { settings } = world;
  const lasting = lastingRests(rests, nowMs);
  const used = new Map(usage.map((one) => [one.fingerprint, one]));
  const listed = listKeys(world);
  const keys = listed.map((key) => ({
    ...key,
    readiness: keyReadiness(key, lasting),
    inFlight: inFlightOf(key, runs),
    switchedIn: runs.filter((run) => isSwitched(key, run)).map(({ pid }) => pid),
    today: used.get(key.fingerprint ?? "") ?? NOTHING,
  }));
  return {
    nowMs,
    strategy: settings.routing.strategy,
    runs,
    keys,
    rests: [...lasting.values()]
      .toSorted((a, b) => a.untilMs - b.untilMs || a.id.localeCompare(b.id))
      .map((rest) => partyOf(rest, listed)),
    chains: chainsOf(world, lasting),
    benches,
    requests,
  };
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

/** Local midnight: people count days where they live. */
export function startOfDayMs(nowMs: number): number {
  return new Date(nowMs).setHours(0, 0, 0, 0);
}

function chainsOf({ settings, keys }: SnapshotParts["world"], lasting: ReadonlyMap<string, Rest>) {
  return Object.keys(settings.chains).map((name) => ({
    name,
    models: expandModels([name], settings.chains).flatMap((model) => {
      const ref = parseModelRef(model);
      return ref === undefined ? [] : [{ model, ...modelReadiness(ref, keys, lasting) }];
    }),
  }));
}

function partyOf(rest: Rest, keys: readonly ListedKey[]): StatusRest {
  const party = restParty(rest);
  const { fingerprint, model, provider } = party;
  if (fingerprint === undefined) return { rest, key: undefined, model, provider };
  const owner = ownerOf(party, keys);
  const key = owner === undefined ? `${fingerprint.slice(0, 5)}…` : keyTitle(owner);
  return { rest, key, model, provider };
}
