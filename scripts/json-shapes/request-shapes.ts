import * as v from "valibot";
import {
  amount,
  atMs,
  count,
  field,
  fingerprint,
  model,
  named,
  orNull,
  text,
  verdict,
} from "./shape-parts.ts";

/** One call to a provider. */
export const attempt = named(
  "Attempt",
  v.strictObject({
    atMs,
    model,
    keyName: text,
    fingerprint,
    status: field(count, "0 where no answer came"),
    verdict: field(
      v.union([verdict, v.picklist(["ok", "cancelled"])]),
      "ok: it served; cancelled: the client left",
    ),
    durationMs: amount,
    message: field(text, "the provider's own words, without secrets"),
  }),
);

/** A line of `logs --json`. */
export const request = named(
  "Request",
  v.strictObject({
    seq: field(count, "grows with each request"),
    id: text,
    atMs,
    session: field(orNull(text), "opencode's"),
    client: field(orNull(text), "the client of `orouter serve`; null: the owner"),
    asked: field(orNull(text), "the model that was asked for"),
    served: field(orNull(text), "the model that answered"),
    keyName: orNull(text),
    outcome: v.picklist(["served", "passed-error", "exhausted", "broken", "client-gone"]),
    waitedMs: field(amount, "for a key to be free"),
    firstTokenMs: orNull(amount),
    durationMs: amount,
    inputTokens: orNull(count),
    outputTokens: orNull(count),
    attempts: v.array(attempt),
  }),
);
