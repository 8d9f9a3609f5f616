import { dialectSpec } from "../core/dialect/registry.ts";
import { makesFile } from "../core/routing/endpoints.ts";
import { idIn, storesAnswer, type Tie, type TieBook } from "../core/routing/ties.ts";
import type { CallOutcome } from "./attempt.ts";
import type { ModelRequest } from "./read-request.ts";
import type { ByteReader } from "./transport.ts";

/** What came of a call that is being answered. */
export type Answering = Extract<CallOutcome, { kind: "stream" | "body" }>;

/** Remembers who keeps what: the ids that the request named, and the one that its answer has made. */
export function noteKept(request: ModelRequest, outcome: Answering, by: Tie, ties: TieBook): void {
  for (const id of request.kept?.ids ?? []) ties.set(id, by);
  if (isStored(request)) ties.set(answerId(outcome), by);
  if (
    outcome.kind === "body" &&
    !(outcome.body instanceof Uint8Array) &&
    makesFile(request.method, request.endpoint)
  )
    outcome.body = noting(outcome.body, (bytes) => ties.set(idIn(bytes), by));
}

/** The id of an answer, as far as its first bytes tell. */
export function answerId(outcome: Answering): string {
  const bytes = outcome.kind === "stream" ? outcome.stream.first : outcome.body;
  return bytes instanceof Uint8Array ? idIn(bytes) : "";
}

function isStored({ dialect, body }: ModelRequest): boolean {
  if (dialect === undefined || body === undefined) return false;
  return storesAnswer(body) ?? dialectSpec(dialect).storesAnswers === true;
}

/** The description of a file is short. */
const DESCRIPTION_BYTES = 64 * 1024;

/** A reader that shows the beginning of what it reads once that is over. */
function noting(source: ByteReader, note: (bytes: Uint8Array) => void): ByteReader {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  return {
    read: async () => {
      const chunk = await source.read();
      if (chunk.done) note(Buffer.concat(parts));
      else if (bytes < DESCRIPTION_BYTES) {
        bytes += chunk.value.length;
        parts.push(chunk.value);
      }
      return chunk;
    },
    cancel: (reason) => source.cancel(reason),
  };
}
