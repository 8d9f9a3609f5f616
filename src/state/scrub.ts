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

/** A finished request as it may be written down. */
export function scrubRecord(record: RequestRecord, secrets: readonly string[]): RequestRecord {
  const name = (text: string): string => scrubName(text, secrets);
  const optional = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : name(text);
  return {
    ...record,
    id: name(record.id),
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

/** Redacted before it is cut: half a secret at the end would not be known as one. */
function scrubMessage(message: string, secrets: readonly string[]): string {
  return message === "" ? "" : oneLine(redact(message, secrets), MESSAGE_CHARS);
}

/** Names must come back as they were, so only a name that holds one of our secrets is touched: a model may look like a key. */
function scrubName(name: string, secrets: readonly string[]): string {
  return secrets.some((secret) => secret !== "" && name.includes(secret)) ? redact(name, secrets) : name;
}
