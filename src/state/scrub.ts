import type { BenchResult } from "../core/bench/results.ts";
import { oneLine, redact } from "../core/redact.ts";
import type { AttemptRecord, RequestRecord } from "../core/routing/request-record.ts";
import type { RestChange } from "./rest-change.ts";

/** As much of a provider's words as is kept. */
const MESSAGE_CHARS = 300;

/** A rest as it may be written down. */
export function scrubChange(change: RestChange, secrets: readonly string[]): RestChange {
  const id = scrubName(change.id, secrets);
  if (change.kind === "cleared") return { ...change, id };
  const { rest } = change;
  return { ...change, id, rest: { ...rest, id, message: scrubMessage(rest.message, secrets) } };
}

/** An id of our own making is new each time, and chance does not make up secrets. */
const MADE_HERE = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A finished request as it may be written down. */
export function scrubRecord(record: RequestRecord, secrets: readonly string[]): RequestRecord {
  const name = (text: string): string => scrubName(text, secrets);
  const optional = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : name(text);
  return {
    ...record,
    id: MADE_HERE.test(record.id) ? record.id : name(record.id),
    session: optional(record.session),
    asked: optional(record.asked),
    served: optional(record.served),
    keyName: optional(record.keyName),
    attempts: record.attempts.map(
      (attempt): AttemptRecord => ({
        ...attempt,
        model: name(attempt.model),
        keyName: name(attempt.keyName),
        message: scrubMessage(attempt.message, secrets),
      }),
    ),
  };
}

/** A benchmark's result as it may be written down. */
export function scrubBench(result: BenchResult, secrets: readonly string[]): BenchResult {
  return { ...result, model: scrubName(result.model, secrets) };
}

/** Redacted before it is cut: half a secret at the end would not be known as one. */
function scrubMessage(message: string, secrets: readonly string[]): string {
  return message === "" ? "" : oneLine(redact(message, secrets), MESSAGE_CHARS);
}

/** Names must come back as they were, so only a name that holds one of our secrets is touched: a model may look like a key. */
function scrubName(name: string, secrets: readonly string[]): string {
  return isClean(name, secrets) ? name : redact(name, secrets);
}

/** Names known to hold none of the secrets, as many as these were then. */
const clean = new WeakMap<readonly string[], { secrets: number; names: Set<string> }>();

const MAX_CLEAN_NAMES = 1000;

/** The same few names come with every request, and with a thousand keys a look is a thousand comparisons. */
function isClean(name: string, secrets: readonly string[]): boolean {
  const before = clean.get(secrets);
  const isKnown = before?.secrets === secrets.length && before.names.size < MAX_CLEAN_NAMES;
  const { names } = isKnown ? before : { names: new Set<string>() };
  if (!isKnown) clean.set(secrets, { secrets: secrets.length, names });
  if (names.has(name)) return true;
  if (secrets.some((secret) => secret !== "" && name.includes(secret))) return false;
  names.add(name);
  return true;
}
