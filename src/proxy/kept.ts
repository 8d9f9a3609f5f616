import { dialectSpec } from "../core/dialect/registry.ts";
import { makesFile } from "../core/routing/endpoints.ts";
import { idIn, storesAnswer, type Tie, type TieBook } from "../core/routing/ties.ts";
import type { CallOutcome } from "./attempt.ts";
import type { ModelRequest } from "./read-request.ts";
import type { ByteReader } from "./transport.ts";

/** Remembers who keeps what: the ids that the request named, and the one that its answer has made. */
export function noteKept(
  request: ModelRequest,
  outcome: Extract<CallOutcome, { kind: "stream" | "body" }>,
  by: Tie,
  ties: TieBook,
): void {
  for (const id of request.kept?.ids ?? []) ties.set(id, by);
  const keep = (bytes: Uint8Array): void => ties.set(idIn(bytes), by);
  if (outcome.kind === "stream") {
    if (isStored(request) && outcome.stream.first !== undefined) keep(outcome.stream.first);
  } else if (outcome.body instanceof Uint8Array) {
    if (isStored(request)) keep(outcome.body);
  } else if (makesFile(request.method, request.endpoint)) {
    outcome.body = noting(outcome.body, keep);
  }
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
