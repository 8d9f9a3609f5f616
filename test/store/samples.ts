import type { State, StateOptions } from "../../src/commands/state.ts";
import type { Problem } from "../../src/core/problem.ts";
import type { Cooldown } from "../../src/core/routing/cooldown.ts";
import type { AttemptRecord, RequestRecord, RouterEvent } from "../../src/core/routing/events.ts";
import type { ProviderWords } from "../../src/core/scrub.ts";

/** Parts of a record; its words may be any text, as an older version may have left it. */
type Parts<Of> = Partial<Omit<Of, "message">> & { message?: string };

/** A cooldown of an hour for a key, unless told otherwise. */
export function cooldownOf(
  id: string,
  sinceMs: number,
  { message = "weekly limit reached", ...parts }: Parts<Cooldown> = {},
): Cooldown {
  return {
    ...partyOf(id),
    id,
    scope: "key",
    kind: "quota",
    status: 429,
    message: message as ProviderWords,
    sinceMs,
    untilMs: sinceMs + 3_600_000,
    failures: 1,
    isDeclared: false,
    ...parts,
  };
}

/** The fields behind an id of a test, e.g. `lane FINGERPRINT PROVIDER/MODEL`. */
function partyOf(id: string): Pick<Cooldown, "provider" | "fingerprint" | "model"> {
  const [scope = "", ...words] = id.split(" ");
  const fingerprint = scope === "lane" || scope === "key" ? words.shift() : undefined;
  const [provider = "", ...model] = words.join(" ").split("/");
  return { provider, fingerprint, model: model.length === 0 ? undefined : model.join("/") };
}

export function cooldownStarted(cooldown: Cooldown): RouterEvent {
  return { kind: "cooldown-started", cooldown: cooldown, keyName: "work" };
}

export function finished(record: RequestRecord): RouterEvent {
  return { kind: "finished", record };
}

export function attemptOf(
  atMs: number,
  { message = "", ...parts }: Parts<AttemptRecord> = {},
): AttemptRecord {
  return {
    atMs,
    model: "acme/one",
    keyName: "work",
    fingerprint: "aaaaaaaaaaaa",
    status: 200,
    verdict: "ok",
    durationMs: 900,
    message: message as ProviderWords,
    ...parts,
  };
}

/** By default a request that was answered at once. */
export function recordOf(id: string, atMs: number, parts: Partial<RequestRecord> = {}): RequestRecord {
  return {
    id,
    atMs,
    session: "session-1",
    asked: "acme/one",
    served: "acme/one",
    keyName: "work",
    outcome: "served",
    attempts: [attemptOf(atMs)],
    waitedMs: 0,
    firstTokenMs: 300,
    durationMs: 1000,
    inputTokens: 100,
    outputTokens: 20,
    ...parts,
  };
}

/** Options for a state in a test; the troubles it reports are in `troubles`. */
export function stateOptions(
  file: string,
  parts: Partial<StateOptions> = {},
): StateOptions & { troubles: Problem[] } {
  const troubles: Problem[] = [];
  return {
    file,
    ledgerDays: 7,
    ledgerRows: 50_000,
    secrets: [],
    onTrouble: (problem) => troubles.push(problem),
    ...parts,
    troubles,
  };
}

/** Stores an event, as a run does. */
export function note({ store, ledger }: Pick<State, "store" | "ledger">, event: RouterEvent): void {
  if (event.kind === "cooldown-started") store.cooldowns.set(event.cooldown);
  if (event.kind === "cleared") store.cooldowns.clear(event.id);
  if (event.kind === "finished") ledger.add(event.record);
}

/** Writes what is queued, as far as the file allows it. */
export async function flush({ store, ledger }: Pick<State, "store" | "ledger">): Promise<void> {
  await store.flush();
  ledger.flush();
}

/** Writes one request and one cooldown, and returns the ids of all requests. */
export async function noteAndRead(state: State): Promise<string[]> {
  note(state, finished(recordOf("r1", Date.now())));
  note(state, cooldownStarted(cooldownOf("key a", Date.now())));
  await flush(state);
  return state.ledger.requests({ limit: 10 }).map((record) => record.id);
}

/** Waits for another process or a timer. The limit only ends a failed test. */
export async function until(isSo: () => boolean, withinMs = 10_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error("it did not come to pass");
    await Bun.sleep(5);
  }
}
