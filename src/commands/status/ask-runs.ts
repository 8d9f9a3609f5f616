import * as v from "valibot";
import { type FoundRun, findRuns, type RunCard } from "../../harness/run/run-card.ts";
import { keepLoopbackDirect } from "../keep-loopback-direct.ts";

/** An orouter that is running now. */
export interface StatusRun extends RunCard {
  /** Undefined where it did not say: it may be stopped (Ctrl-Z), or about to end. */
  load: RunLoad | undefined;
}

/** What a run has to do at the moment. */
export interface RunLoad {
  /** Calls to providers that are under way. */
  inFlight: number;
  /** Requests that wait for a key to be free. */
  waiting: number;
  keys: readonly KeyLoad[];
}

export interface KeyLoad {
  provider: string;
  fingerprint: string;
  enabled: boolean;
  inFlight: number;
}

/** Those who answer do so at once; nobody should wait long for the others. */
const ASK_MS = 400;

/** The part of `/_orouter/state` that counts here; another version of orouter may say more. */
const STATE = v.object({
  keys: v.array(
    v.object({ provider: v.string(), fingerprint: v.string(), enabled: v.boolean(), inFlight: v.number() }),
  ),
  waiting: v.number(),
});

/** Asks every run of this user what it has to do, all at once. */
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
    const { keys, waiting } = v.parse(STATE, await response.json());
    const inFlight = keys.reduce((sum, key) => sum + key.inFlight, 0);
    return { ...card, load: { inFlight, waiting, keys } };
  } catch {
    return { ...card, load: undefined };
  }
}
