import { type GateFailure, type GateOptions, StreamGate } from "../../../src/core/stream/stream-gate.ts";

export interface GateRun {
  gate: StreamGate;
  text: string;
  /** Undefined for a complete answer. */
  failure: GateFailure | undefined;
}

const encoder = new TextEncoder();

/** `end` is how the provider ends the stream: cleanly, or with a broken connection. */
export function runGate(
  chunks: string | readonly Uint8Array[],
  options: Partial<GateOptions> = {},
  end: "closed" | "broken" = "closed",
): GateRun {
  const gate = new StreamGate({ dialect: "chat", ...options });
  const passed: Uint8Array[] = [];
  const text = (): string => Buffer.concat(passed).toString();
  const pass = (bytes: Uint8Array | undefined): void => {
    passed.push(...(gate.takeBacklog() ?? []), bytes ?? new Uint8Array(0));
  };
  for (const chunk of typeof chunks === "string" ? [encoder.encode(chunks)] : chunks) {
    const step = gate.push(chunk);
    pass(step.pass);
    if (step.failure !== undefined) return { gate, text: text(), failure: step.failure };
    if (gate.isDone) break;
  }
  if (end === "broken" && !gate.isFinished)
    return { gate, text: text(), failure: { kind: "cut", why: "broken" } };
  const ended = gate.end();
  pass(ended.kind === "complete" ? ended.tail : undefined);
  return { gate, text: text(), failure: ended.kind === "complete" ? undefined : ended.failure };
}
