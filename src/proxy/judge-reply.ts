import type { GateFailure } from "../core/stream/gate-step.ts";
import { classify } from "../core/verdict/classify.ts";
import { ownVerdict } from "../core/verdict/failure.ts";
import type { Verdict } from "../core/verdict/verdict.ts";
import type { AttemptOptions, AttemptOutcome, ErrorReply } from "./attempt-outcome.ts";
import { readHead } from "./read-head.ts";
import type { Reply } from "./reply.ts";

type Judging = Pick<AttemptOptions, "provider" | "rules" | "request" | "chance">;

/** What a reply means in the light of what was asked; undefined for a good answer. */
export function judgeReply(reply: ErrorReply, options: Judging, isWhole = false): Verdict | undefined {
  const { provider, rules, request, chance } = options;
  const expectsAnswer = request.dialect !== undefined;
  const subject = { provider: provider.id, path: `/${request.endpoint}`, expectsAnswer, isWhole, ...reply };
  return classify(subject, { userRules: rules, nowMs: chance.nowMs() });
}

/** What the failure of a stream means; `reply` without its body. `isBehindHead`: the client had part of the answer. */
export function failureVerdict(
  failure: GateFailure,
  reply: ErrorReply,
  options: Judging,
  isBehindHead = false,
): Verdict {
  switch (failure.kind) {
    case "said":
      return (
        judgeReply({ ...reply, body: failure.text }, options) ??
        (isBehindHead ? ownVerdict.broken("error", failure.text) : ownVerdict.badStream(failure.text))
      );
    case "flawed":
      return ownVerdict.badStream(failure.why);
    case "cut":
      return isBehindHead ? ownVerdict.broken("reset", failure.why) : ownVerdict.badStream(failure.why);
    case "hollow":
      return ownVerdict.hollow(failure.why);
    case "bad-call":
      return ownVerdict.badCall(failure.why);
    case "too-long":
      return ownVerdict.callTooLong(failure.why);
    case "mismatch":
      return ownVerdict.mismatch();
  }
}

/** A reply whose status already says that it is no answer. */
export async function refusal(response: Reply, options: AttemptOptions): Promise<AttemptOutcome> {
  const { status, headers } = response;
  const reply = { status, headers, body: await readHead(response.body, options.errorBodyBytes) };
  const verdict =
    status < 400
      ? ownVerdict.redirect(status, headers.get("location"))
      : (judgeReply(reply, options) ?? ownVerdict.unexplained(status));
  return { kind: "refused", verdict, reply };
}

/** A 200 that holds neither an answer nor a reason. */
export function noAnswer(response: Reply, why: string): AttemptOutcome {
  const reply = { status: response.status, headers: response.headers, body: "" };
  return { kind: "refused", verdict: ownVerdict.badStream(why), reply };
}
