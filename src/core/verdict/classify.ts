import { type ProviderWords, providerWords } from "../scrub.ts";
import { declaredWaitMs, namedWindow, resetOf } from "./declared-wait.ts";
import { matchesRule, matchesUserRule, type RuleSubject, type UserRule } from "./error-rule.ts";
import { errorRules } from "./error-rules.ts";
import { type ErrorText, type FoundError, findError, type ReplyContent } from "./find-error.ts";
import { type Fault, USUAL_FAULT, type Verdict, type VerdictKind } from "./verdict.ts";

export interface ProviderReply extends ReplyContent {
  provider: string;
  headers: Headers;
  /** The requested path, if the caller knows it. */
  path?: string;
}

export interface ClassifyOptions {
  userRules: readonly UserRule[];
  /** What must not be in the verdict's words. */
  secrets: readonly string[];
  nowMs: number;
}

interface Finding {
  rule: string;
  kind: VerdictKind;
  fault: Fault | undefined;
  namesWindow?: boolean;
  ignoresWait?: boolean;
}

/** A wait that belongs to a minute's limit is shorter than this. */
const SHORT_WAIT_MS = 600_000;
/** Statuses that a gateway's 5xx may wrap: these mean the same wherever they come from, unlike an upstream's 401. */
const WRAPPED_STATUSES = new Set([408, 413, 429]);
const OWN_NUMBERS = /^4(?:3[2-9]|4\d)$/;

const FLAW_WORDS = {
  "no-answer": "The service answered with something that is not a valid model response.",
  "answer-cut": "The answer ended before it was complete.",
};

/** Undefined for a good answer. */
export function classify(reply: ProviderReply, options: ClassifyOptions): Verdict | undefined {
  const found = findError(reply);
  if (found === undefined) return undefined;
  const { words } = found;
  const status = effectiveStatus(reply.status, words);
  const subject = { provider: reply.provider, path: reply.path ?? "", status, words, body: reply.body };
  const finding =
    byUserRule(options.userRules, subject) ??
    byRule(subject) ??
    byFlaw(found) ??
    byStatus(status, reply.expectsAnswer);
  const limit = finding.kind === "output-limit" ? outputLimitIn(words.text) : undefined;
  return {
    ...partyOf(finding, reply, words),
    status: reply.status >= 400 ? reply.status : (words.status ?? reply.status),
    rule: finding.rule,
    message: messageOf(found, status, options.secrets),
    waitMs: waitOf(finding, reply, words, options.nowMs),
    ...(limit === undefined ? {} : { outputLimit: limit }),
  };
}

/** How gateways introduce an upstream's message. */
const FROM_UPSTREAM = /(?:^|\| )(?:provider returned error|error from provider\b)/i;

/** Kind and party at fault, from the point of view of the caller. */
function partyOf(
  finding: Finding,
  { expectsAnswer }: ProviderReply,
  words: ErrorText,
): Pick<Verdict, "kind" | "fault"> {
  const { kind } = finding;
  const fault = finding.fault ?? USUAL_FAULT[kind];
  // A missing file or job says nothing about a model or about the endpoint.
  if (
    !expectsAnswer &&
    (kind === "path-not-found" || (kind === "model-not-found" && finding.rule === "path-missing"))
  )
    return { kind: "bad-request", fault: "request" };
  // The account behind a gateway has failed, not the caller's key.
  if (fault === "key" && FROM_UPSTREAM.test(words.text))
    return { kind: kind === "auth" ? "forbidden" : kind, fault: "model" };
  return { kind, fault };
}

function effectiveStatus(status: number, words: ErrorText): number {
  // A service's own numbers, such as 434 for a bad key, are not HTTP statuses.
  if (status < 400)
    return words.status !== undefined && OWN_NUMBERS.test(`${words.status}`) ? 0 : (words.status ?? 0);
  const named = words.status;
  return status >= 500 && named !== undefined && WRAPPED_STATUSES.has(named) ? named : status;
}

function byUserRule(rules: readonly UserRule[], subject: RuleSubject): Finding | undefined {
  const index = rules.findIndex((rule) => matchesUserRule(rule, subject));
  const rule = rules[index];
  return rule === undefined
    ? undefined
    : { rule: `your rule ${index + 1}`, kind: rule.verdict, fault: undefined };
}

function byRule(subject: RuleSubject): Finding | undefined {
  const rule = errorRules.find((one) => matchesRule(one, subject));
  if (rule === undefined) return undefined;
  const { id, verdict, fault, namesWindow = false, ignoresWait = false } = rule;
  return { rule: id, kind: verdict, fault, namesWindow, ignoresWait };
}

function byFlaw({ flaw }: FoundError): Finding | undefined {
  return flaw === undefined ? undefined : { rule: flaw, kind: "server-error", fault: "attempt" };
}

function byStatus(status: number, expectsAnswer: boolean): Finding {
  return {
    rule: status === 0 ? "error-in-answer" : `status-${status}`,
    ...statusVerdict(status, expectsAnswer),
  };
}

function messageOf({ words, flaw }: FoundError, status: number, secrets: readonly string[]): ProviderWords {
  const said = words.message === "" ? (words.codes[0] ?? "") : words.message;
  const own = flaw === undefined ? `The service answered ${status} and gave no reason.` : FLAW_WORDS[flaw];
  return providerWords(said === "" ? own : said, secrets);
}

function waitOf(finding: Finding, reply: ProviderReply, words: ErrorText, nowMs: number): number | undefined {
  const fault = finding.fault ?? USUAL_FAULT[finding.kind];
  if (fault === "request") return undefined;
  const declared = declaredWaitMs({ headers: reply.headers, text: words.text, json: words.json, nowMs });
  if (declared !== undefined && !(finding.ignoresWait === true && declared < SHORT_WAIT_MS)) return declared;
  const isNamed = finding.namesWindow === true || finding.kind === "quota";
  const window = isNamed ? namedWindow(reply.provider, words.text) : undefined;
  const resetMs = window && resetOf(reply.provider, window, nowMs);
  return resetMs === undefined ? undefined : resetMs - nowMs;
}

/** 522 and 524 are Cloudflare's timeouts; the other 52x and 530 mean that it could not use the origin. */
const TIMEOUTS = new Set([408, 504, 522, 524]);
const OVERLOADS = new Set([425, 503, 529]);
/** The client may retry, was sent to the wrong server, or hit a failure of an upstream: the request is fine. */
const RETRYABLE = new Set([409, 421, 423, 424, 499]);
/** A proxy on the way, or legal reasons: no key is at fault. */
const EDGE_REFUSALS = new Set([407, 451]);

const KINDS: ReadonlyMap<number, VerdictKind> = new Map([
  [401, "auth"],
  [402, "payment"],
  [403, "forbidden"],
  [404, "model-not-found"],
  [410, "model-not-found"],
  [413, "overflow"],
  [429, "rate-limit"],
]);

/** The meaning of a status alone, if no rule matches the body. */
function statusVerdict(
  status: number,
  expectsAnswer: boolean,
): { kind: VerdictKind; fault: Fault | undefined } {
  // A missing file or job says nothing about a model.
  if (!expectsAnswer && (status === 404 || status === 410)) return { kind: "bad-request", fault: undefined };
  if (EDGE_REFUSALS.has(status)) return { kind: "forbidden", fault: "provider" };
  return { kind: KINDS.get(status) ?? familyOf(status), fault: undefined };
}

function familyOf(status: number): VerdictKind {
  if (TIMEOUTS.has(status)) return "timeout";
  if (OVERLOADS.has(status)) return "overloaded";
  if (RETRYABLE.has(status)) return "server-error";
  return status >= 400 && status < 500 ? "bad-request" : "server-error";
}

/** How providers name a model's maximum of output tokens. */
const LIMIT_FORMS: readonly RegExp[] = [
  /\[\s*\d+\s*,\s*(\d+)\s*\]/,
  /at most\D{0,20}(\d+)/i,
  /less than or equal to\D{0,6}(\d+)/i,
  /<=\s*(\d+)/,
  /(?:model|maximum|max)\D{0,12}limit of (\d+)/i,
  />\s*(\d+)/,
  /(?:不能超过|最大\D{0,8})\s*(\d+)/,
  /maximum\D{0,60}?(\d{3,})/i,
  /(?:limit|below|lower than|exceed)\D{0,20}?(\d{3,})/i,
];
const EXCLUSIVE_RANGE = /to (\d+) \(exclusive\)/i;

/** Undefined if the message names no maximum. */
function outputLimitIn(text: string): number | undefined {
  const plain = text.replace(/(\d),(?=\d{3}\b)/g, "$1");
  const exclusive = EXCLUSIVE_RANGE.exec(plain)?.[1];
  if (exclusive !== undefined) return Number(exclusive) - 1;
  for (const form of LIMIT_FORMS) {
    const limit = Number(form.exec(plain)?.[1]);
    if (limit > 0) return limit;
  }
  return undefined;
}
