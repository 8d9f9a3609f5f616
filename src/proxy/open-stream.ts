import { joined } from "../core/stream/join-bytes.ts";
import { MISMATCH, StreamGate } from "../core/stream/stream-gate.ts";
import { ownVerdict } from "../core/verdict/failure.ts";
import type { AttemptOptions, AttemptOutcome, Call } from "./attempt-outcome.ts";
import { judgeReply, noAnswer } from "./judge-reply.ts";
import type { ByteReader, Reply } from "./reply.ts";

/**
 * Reads the head of a stream until it means something. Nothing has gone to the client before this returns, so an error
 * is a plain refusal even where words of an answer came in front of it.
 */
export async function openStream(response: Reply, reader: ByteReader, call: Call): Promise<AttemptOutcome> {
  const { options, abort } = call;
  const { dialect, profile } = options.request;
  if (dialect === undefined) return noAnswer(response, "a stream that nobody asked for");
  const { resumeAfter } = options;
  const gate = new StreamGate({
    dialect,
    settleFinish: profile.settleFinish,
    ...(resumeAfter === undefined ? {} : { resumeAfter }),
  });
  for (;;) {
    const { done, value } = await reader.read();
    const head = readOn(gate, done ? undefined : value);
    if (head.error !== undefined) {
      abort();
      return inBandRefusal(response, options, head.error);
    }
    // An answer that has to say again what is already said speaks long before its first new token.
    if (resumeAfter !== undefined && head.progressed) call.progressed();
    if (!head.isWhole && !gate.isOpen) continue;
    const { status, headers } = response;
    const { pass: first, isWhole } = head;
    return { kind: "stream", stream: { status, headers, gate, reader, first, isWhole, abort } };
  }
}

interface Head {
  pass?: Uint8Array | undefined;
  error?: string | undefined;
  progressed?: boolean;
  isWhole: boolean;
}

/** One step of the head: what may pass, whether it failed, whether that was all. */
function readOn(gate: StreamGate, chunk: Uint8Array | undefined): Head {
  const step = chunk === undefined ? undefined : gate.push(chunk);
  if (step?.error !== undefined) return { error: step.error, isWhole: false };
  if (chunk !== undefined && !gate.isDone) {
    return { pass: step?.pass, progressed: step?.progressed ?? false, isWhole: false };
  }
  const end = gate.end();
  if (end.kind === "cut") return { error: end.why, isWhole: false };
  return { pass: joined(step?.pass, end.tail), isWhole: true };
}

function inBandRefusal(response: Reply, options: AttemptOptions, text: string): AttemptOutcome {
  if (text === MISMATCH) return { kind: "refused", verdict: ownVerdict.mismatch(), reply: undefined };
  const { status, headers } = response;
  const reply = { status, headers, body: text };
  // An event's own words are judged; that the stream just ended is ours to say.
  const verdict = text.startsWith("{") ? judgeReply(reply, options) : undefined;
  return { kind: "refused", verdict: verdict ?? ownVerdict.badStream(text), reply };
}
