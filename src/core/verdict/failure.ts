import { ownWords, type ProviderWords, providerWords } from "../scrub.ts";
import type { Fault, Verdict, VerdictKind } from "./verdict.ts";

/** A failure without a reply. The message is ours: the error's own may contain addresses and secrets. */
interface FailureRule {
  rule: string;
  match: RegExp;
  kind: VerdictKind;
  fault: Fault;
  message: ProviderWords;
}

/** Matched against the names, codes and messages of the error and its causes; the first match counts. */
const RULES: readonly FailureRule[] = [
  {
    rule: "no-descriptors",
    match: /\bE[MN]FILE\b/,
    kind: "bad-request",
    // The call was never sent: no provider is at fault, and no other provider can be reached either.
    fault: "request",
    message: ownWords(
      "orouter may open no more connections; raise the system's limit on open files (ulimit -n).",
    ),
  },
  {
    rule: "certificate",
    match: /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ALTNAME|certificate/i,
    kind: "server-error",
    // No other key makes a certificate valid.
    fault: "provider",
    message: ownWords("The service's certificate could not be verified."),
  },
  {
    rule: "timed-out",
    match: /timed?[ -]?out|TimeoutError|ETIMEDOUT|ERR_.*TIMEOUT/i,
    kind: "timeout",
    fault: "attempt",
    message: ownWords("The service did not answer in time."),
  },
  {
    rule: "name-unknown",
    match: /ENOTFOUND|EAI_AGAIN|EAI_|DNS|getaddrinfo|name or service not known/i,
    kind: "server-error",
    fault: "attempt",
    message: ownWords("Name lookup failed."),
  },
  {
    rule: "refused",
    match: /ECONNREFUSED|ConnectionRefused|connection refused|FailedToOpenSocket|Unable to connect/i,
    kind: "server-error",
    fault: "attempt",
    message: ownWords("The service refused the connection."),
  },
  {
    rule: "unreachable",
    match: /EHOSTUNREACH|ENETUNREACH|ENETDOWN|EHOSTDOWN|unreachable/i,
    kind: "server-error",
    fault: "attempt",
    message: ownWords("The network has no way to the service."),
  },
  {
    rule: "tls",
    match: /TLS|SSL|EPROTO/i,
    kind: "reset",
    fault: "attempt",
    message: ownWords("The secure connection to the service could not be set up."),
  },
];

const RESET: Omit<FailureRule, "match"> = {
  rule: "connection-broke",
  kind: "reset",
  fault: "attempt",
  message: ownWords("The connection to the service broke."),
};

/** How deep the chain of causes is read. */
const MAX_CAUSES = 5;

/** The verdict on a call without a reply. */
export function classifyFailure(error: unknown): Verdict {
  const said = describe(error);
  const { rule, kind, fault, message } = RULES.find(({ match }) => match.test(said)) ?? RESET;
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
    // A URL in the message could contain any of the words above.
    const plain = typeof message === "string" ? message.replace(/\b\w+:\/\/\S+/g, " ") : "";
    parts.push(String(name ?? ""), String(code ?? ""), plain);
    next = cause;
  }
  return parts.join(" ");
}

/** The rule of a good status without an answer. */
export const NO_ANSWER_RULE = "stream";

/** Verdicts that no reply states: silence, broken streams, redirects. */
export const ownVerdict = {
  /** No token within the first-token timeout. */
  silent(): Verdict {
    const message = ownWords("no token within the first-token time");
    return { kind: "silent", fault: "lane", status: 0, rule: "first-token", message, waitMs: undefined };
  },

  /** A 200 that holds no answer. */
  badStream(message: ProviderWords): Verdict {
    return {
      kind: "server-error",
      fault: "attempt",
      status: 200,
      rule: NO_ANSWER_RULE,
      message,
      waitMs: undefined,
    };
  },

  /** A sampled model seldom repeats itself: if a new answer cannot continue the broken one, no party is at fault. */
  mismatch(): Verdict {
    const message = ownWords("another answer began differently");
    return { kind: "bad-request", fault: "request", status: 200, rule: "resume", message, waitMs: undefined };
  },

  /** An answer that ended well and says nothing, or thinks only: an agent would stop in the middle of its task. */
  hollow(message: ProviderWords): Verdict {
    return { kind: "server-error", fault: "lane", status: 200, rule: "hollow", message, waitMs: undefined };
  },

  /** An answer that ended well, with a tool call that cannot be run. */
  badCall(message: ProviderWords): Verdict {
    return { kind: "server-error", fault: "lane", status: 200, rule: "bad-call", message, waitMs: undefined };
  },

  /** Tool calls longer than what is held until an answer is whole. Other lanes would write them as long. */
  callTooLong(message: ProviderWords): Verdict {
    return {
      kind: "bad-request",
      fault: "request",
      status: 200,
      rule: "call-too-long",
      message,
      waitMs: undefined,
    };
  },

  /** The provider's dialect cannot express the request; another model's may. */
  untranslatable(message: ProviderWords): Verdict {
    return {
      kind: "unsupported",
      fault: "request",
      status: 0,
      rule: "untranslatable",
      message,
      waitMs: undefined,
    };
  },

  /** A rejection whose body and status explain nothing. */
  unexplained(status: number): Verdict {
    return {
      kind: "server-error",
      fault: "attempt",
      status,
      rule: "status",
      message: ownWords(""),
      waitMs: undefined,
    };
  },

  /** A key never follows a redirect: it belongs to one origin, and the user decides where it goes. */
  redirect(status: number, location: string | null, secrets: readonly string[]): Verdict {
    const message = providerWords(
      `the provider redirects to ${originOf(location)}; correct its base_url`,
      secrets,
    );
    return { kind: "forbidden", fault: "provider", status, rule: "redirect", message, waitMs: undefined };
  },

  /** An answer that failed after its head. */
  broken(how: "reset" | "stall" | "error", message: ProviderWords): Verdict {
    const kind = { reset: "reset", stall: "timeout", error: "server-error" } as const;
    return {
      kind: kind[how],
      fault: "attempt",
      status: 200,
      rule: `stream-${how}`,
      message,
      waitMs: undefined,
    };
  },
};

function originOf(location: string | null): string {
  return (location === null ? undefined : URL.parse(location)?.origin) ?? "another address";
}
