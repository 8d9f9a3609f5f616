import { answerSteps } from "./answer-steps.ts";
import type { Call } from "./call.ts";
import type { ErrorReply, RawReply, Reply } from "./reply.ts";
import { bodyHeaders, type Step, waitSteps } from "./step.ts";

/** Everything a reply does on the wire, as a list; time and sockets belong to whoever carries it out. */
export function stepsOf(reply: Reply, call: Call): Step[] {
  switch (reply.kind) {
    case "hang":
      return [{ do: "stall" }];
    case "reset":
      return [{ do: "reset" }];
    case "error":
      return errorSteps(reply);
    case "raw":
      return rawSteps(reply);
    case "models":
      return errorSteps({ kind: "error", status: 200, body: modelList(reply.ids, call) });
    case "answer":
      return answerSteps(reply, call);
  }
}

function errorSteps(reply: ErrorReply): Step[] {
  const isText = typeof reply.body === "string";
  const body = isText ? String(reply.body) : JSON.stringify(reply.body);
  const type = isText ? "text/plain; charset=utf-8" : "application/json";
  return [
    ...waitSteps(reply.afterMs),
    { do: "head", status: reply.status, headers: { ...bodyHeaders(type, body), ...reply.headers } },
    { do: "send", bytes: body },
    { do: "end" },
  ];
}

function rawSteps(reply: RawReply): Step[] {
  return [
    { do: "head", status: reply.status, headers: reply.headers ?? {} },
    ...reply.chunks.flatMap((bytes, index): Step[] => [
      ...waitSteps(index === 0 ? 0 : reply.chunkEveryMs),
      { do: "send", bytes },
    ]),
    { do: reply.end ?? "end" },
  ];
}

function modelList(ids: string[], call: Call): Record<string, unknown> {
  const created = Math.floor(call.atMs / 1000);
  return { object: "list", data: ids.map((id) => ({ id, object: "model", created, owned_by: "library" })) };
}
