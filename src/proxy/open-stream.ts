import type { GateFailure } from "../core/stream/gate-step.ts";
import { joined } from "../core/stream/join-bytes.ts";
import { StreamGate } from "../core/stream/stream-gate.ts";
import { ownVerdict } from "../core/verdict/failure.ts";
import { askedOf, noteFlaw } from "./asked.ts";
import type { AttemptOutcome, Call } from "./attempt-outcome.ts";
import { failureVerdict, noAnswer } from "./judge-reply.ts";
import type { ByteReader, Reply } from "./reply.ts";

/**
 * Reads the head of a stream until it means something. Nothing has gone to the client before this returns, so an error
 * is a plain refusal even where words of an answer came in front of it.
 */
export async function openStream(response: Reply, reader: ByteReader, call: Call): Promise<AttemptOutcome> {
  const { options, abort } = call;
  const { request, continues } = options;
  const { dialect, profile } = request;
  if (dialect === undefined) return noAnswer(response, "a stream that nobody asked for");
  const { settleFinish } = profile;
  const gate = new StreamGate({ dialect, settleFinish, asked: askedOf(request), continues });
  for (;;) {
    const { done, value } = await reader.read();
    const head = readOn(gate, done ? undefined : value);
    if (head.failure !== undefined) {
      abort();
      return refusedBy(head.failure, response, call);
    }
    // An answer that has to say again what is already said speaks long before its first new token.
    if (continues !== undefined && head.progressed) call.progressed();
    if (!head.isWhole && !gate.isOpen) continue;
    const { status, headers } = response;
    const { pass: first, isWhole } = head;
    return { kind: "stream", stream: { status, headers, gate, reader, first, isWhole, abort } };
  }
}

interface Head {
  pass?: Uint8Array | undefined;
  failure?: GateFailure | undefined;
  progressed?: boolean;
  isWhole: boolean;
}

/** One step of the head: what may pass, whether it failed, whether that was all. */
function readOn(gate: StreamGate, chunk: Uint8Array | undefined): Head {
  const step = chunk === undefined ? undefined : gate.push(chunk);
  if (step?.failure !== undefined) return { failure: step.failure, isWhole: false };
  if (chunk !== undefined && !gate.isDone) {
    return { pass: step?.pass, progressed: step?.progressed ?? false, isWhole: false };
  }
  const end = gate.end();
  if (end.kind === "broken") return { failure: end.failure, isWhole: false };
  return { pass: joined(step?.pass, end.tail), isWhole: true };
}

function refusedBy(failure: GateFailure, { status, headers }: Reply, { options }: Call): AttemptOutcome {
  noteFlaw(options.request, failure.kind);
  if (failure.kind === "mismatch")
    return { kind: "refused", verdict: ownVerdict.mismatch(), reply: undefined };
  const verdict = failureVerdict(failure, { status, headers, body: "" }, options);
  const body = failure.kind === "said" ? failure.text : "";
  return { kind: "refused", verdict, reply: { status, headers, body } };
}
