import type { Verdict } from "./verdict.ts";

/** Verdicts on what no reply says by itself: silence, streams that are none, redirects. */
export const ownVerdict = {
  /** No token within the first-token time. */
  silent(): Verdict {
    const message = "no token within the first-token time";
    return { kind: "silent", fault: "model", status: 0, rule: "first-token", message, waitMs: undefined };
  },

  /** A 200 that holds no answer. */
  badStream(message: string): Verdict {
    return {
      kind: "server-error",
      fault: "attempt",
      status: 200,
      rule: "stream",
      message,
      waitMs: undefined,
    };
  },

  /** A sampled model seldom says the same twice: an answer that cannot continue the broken one is no fault of anyone's. */
  mismatch(): Verdict {
    const message = "another answer began differently";
    return { kind: "bad-request", fault: "request", status: 200, rule: "resume", message, waitMs: undefined };
  },

  /** A request that the model's dialect has no words for. */
  untranslatable(message: string): Verdict {
    return {
      kind: "bad-request",
      fault: "request",
      status: 0,
      rule: "untranslatable",
      message,
      waitMs: undefined,
    };
  },

  /** A refusal that explains itself neither in words nor by its status. */
  unexplained(status: number): Verdict {
    return { kind: "server-error", fault: "attempt", status, rule: "status", message: "", waitMs: undefined };
  },

  /** A key is for its own provider; where a redirect leads is for the user to decide. */
  redirect(status: number, location: string | null): Verdict {
    const message = `the provider redirects to ${originOf(location)}; correct its base_url`;
    return { kind: "forbidden", fault: "provider", status, rule: "redirect", message, waitMs: undefined };
  },

  /** An answer that failed behind its head. */
  broken(how: "reset" | "stall" | "error", why: string): Verdict {
    const kind = { reset: "reset", stall: "timeout", error: "server-error" } as const;
    const message = why.slice(0, 300);
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
