import type { Fault, Verdict, VerdictKind } from "./verdict.ts";

/** What one way of not getting a reply means. The words are ours: an error's own may hold addresses and secrets. */
interface FailureHabit {
  rule: string;
  match: RegExp;
  kind: VerdictKind;
  fault: Fault;
  message: string;
}

/** Matched against the names, codes and messages of the error and its causes; the first one speaks. */
const HABITS: readonly FailureHabit[] = [
  {
    rule: "no-descriptors",
    match: /\bE[MN]FILE\b/,
    kind: "bad-request",
    // The call was never made: no provider is to blame, and another one cannot be reached either.
    fault: "request",
    message: "orouter may open no more connections; raise the system's limit on open files (ulimit -n).",
  },
  {
    rule: "certificate",
    match: /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ALTNAME|certificate/i,
    kind: "server-error",
    // No other key makes a certificate valid.
    fault: "provider",
    message: "The service's certificate could not be verified.",
  },
  {
    rule: "timed-out",
    match: /timed?[ -]?out|TimeoutError|ETIMEDOUT|ERR_.*TIMEOUT/i,
    kind: "timeout",
    fault: "attempt",
    message: "The service did not answer in time.",
  },
  {
    rule: "name-unknown",
    match: /ENOTFOUND|EAI_AGAIN|EAI_|DNS|getaddrinfo|name or service not known/i,
    kind: "server-error",
    fault: "attempt",
    message: "The service's name could not be looked up.",
  },
  {
    rule: "refused",
    match: /ECONNREFUSED|ConnectionRefused|connection refused|FailedToOpenSocket|Unable to connect/i,
    kind: "server-error",
    fault: "attempt",
    message: "The service refused the connection.",
  },
  {
    rule: "unreachable",
    match: /EHOSTUNREACH|ENETUNREACH|ENETDOWN|EHOSTDOWN|unreachable/i,
    kind: "server-error",
    fault: "attempt",
    message: "The network has no way to the service.",
  },
  {
    rule: "tls",
    match: /TLS|SSL|EPROTO/i,
    kind: "reset",
    fault: "attempt",
    message: "The secure connection to the service could not be set up.",
  },
];

const RESET: Omit<FailureHabit, "match"> = {
  rule: "connection-broke",
  kind: "reset",
  fault: "attempt",
  message: "The connection to the service broke.",
};

/** How far down a chain of causes is looked. */
const MAX_CAUSES = 5;

/** Says what a call that brought no reply means. */
export function classifyFailure(error: unknown): Verdict {
  const said = describe(error);
  const { rule, kind, fault, message } = HABITS.find(({ match }) => match.test(said)) ?? RESET;
  return { kind, fault, status: 0, rule, message, waitMs: undefined };
}

function describe(error: unknown): string {
  const parts: string[] = [];
  let next = error;
  for (let level = 0; level < MAX_CAUSES && next !== undefined && next !== null; level++) {
    if (typeof next !== "object") {
      parts.push(String(next));
      break;
    }
    const { name, code, message, cause } = next as { [key: string]: unknown };
    // A URL in the message could hold any of the words above.
    const plain = typeof message === "string" ? message.replace(/\b\w+:\/\/\S+/g, " ") : "";
    parts.push(String(name ?? ""), String(code ?? ""), plain);
    next = cause;
  }
  return parts.join(" ");
}
