import type { ReplyHeaders } from "../http/reply-headers.ts";
import { oneLine, redact } from "../redact.ts";
import { matchesRule, matchesUserRule, type RuleSubject, USUAL_FAULT, type UserRule } from "./error-rule.ts";
import { errorRules } from "./error-rules.ts";
import type { ErrorText } from "./error-text.ts";
import { type FoundError, findError, type ReplyContent } from "./find-error.ts";
import { nextResetMs, type ResetWindow } from "./reset-window.ts";
import { declaredWaitMs } from "./retry-after.ts";
import { statusVerdict } from "./status-verdict.ts";
import type { Fault, Verdict, VerdictKind } from "./verdict.ts";

/** A reply to be understood. */
export interface Reply extends ReplyContent {
  provider: string;
  headers: ReplyHeaders;
  /** The path asked for, where the caller knows it. */
  path?: string;
}

export interface ClassifyOptions {
  userRules: readonly UserRule[];
  nowMs: number;
}

/** What a rule, a code or a status has found. */
interface Finding {
  rule: string;
  kind: VerdictKind;
  fault: Fault | undefined;
  namesWindow?: boolean;
  ignoresWait?: boolean;
}

const MESSAGE_CHARS = 300;
/** A wait that belongs to a minute's limit is shorter than this. */
const SHORT_WAIT_MS = 600_000;
/** What a gateway's 5xx may wrap: these mean the same wherever they come from, a 401 further back does not. */
const WRAPPED_STATUSES = new Set([408, 413, 429]);

const FLAW_WORDS = {
  "no-answer": "The service answered with something that is no answer of a model.",
  "answer-cut": "The answer ended before it was complete.",
};

/** Says what a reply means and who is at fault; undefined means that this is a good answer. */
export function classify(reply: Reply, options: ClassifyOptions): Verdict | undefined {
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
  return {
    kind: finding.kind,
    fault: finding.fault ?? USUAL_FAULT[finding.kind],
    status: reply.status >= 400 ? reply.status : (words.status ?? reply.status),
    rule: finding.rule,
    message: messageOf(found, status),
    waitMs: waitOf(finding, reply, words, options.nowMs),
  };
}

function effectiveStatus(status: number, words: ErrorText): number {
  if (status < 400) return words.status ?? 0;
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

function messageOf({ words, flaw }: FoundError, status: number): string {
  const said = words.message === "" ? (words.codes[0] ?? "") : words.message;
  const own = flaw === undefined ? `The service answered ${status} and gave no reason.` : FLAW_WORDS[flaw];
  return oneLine(redact(said === "" ? own : said, []), MESSAGE_CHARS);
}

function waitOf(finding: Finding, reply: Reply, words: ErrorText, nowMs: number): number | undefined {
  const fault = finding.fault ?? USUAL_FAULT[finding.kind];
  if (fault === "request") return undefined;
  const declared = declaredWaitMs({ headers: reply.headers, text: words.text, json: words.json, nowMs });
  if (declared !== undefined && !(finding.ignoresWait === true && declared < SHORT_WAIT_MS)) return declared;
  const window = finding.namesWindow === true ? windowIn(words.text) : undefined;
  return window === undefined ? undefined : nextResetMs(window, nowMs) - nowMs;
}

function windowIn(text: string): ResetWindow | undefined {
  return /\b(session|hourly|daily|weekly|monthly) usage limit/i.exec(text)?.[1]?.toLowerCase() as
    | ResetWindow
    | undefined;
}
