import type { ErrorText } from "./error-text.ts";
import type { Fault, VerdictKind } from "./verdict.ts";

/** One habit of a provider: what its reply looks like and what it means. Conditions left out match anything. */
export interface ErrorRule {
  id: string;
  /** Where the habit was seen: a thread, a repository, or the provider's own reference. */
  source: string;
  /** Only for ids and codes that mean something else elsewhere: a provider may have any name in a user's config. */
  provider?: RegExp;
  path?: RegExp;
  /** The effective status: the reply's, or the one an error inside a 200 names, 0 when it names none. */
  status?: readonly number[];
  notStatus?: readonly number[];
  text?: RegExp;
  unless?: RegExp;
  /** Any of these codes, blind to case. */
  codes?: readonly string[];
  /** Tried on each code by itself. */
  code?: RegExp;
  /** Only a web page in place of an error body. */
  page?: true;
  verdict: VerdictKind;
  /** The kind's usual fault when absent. */
  fault?: Fault;
  /** The text names a window whose end can be computed when no wait is declared. */
  namesWindow?: true;
  /** The declared wait belongs to a smaller window than the one that is used up. */
  ignoresWait?: true;
}

/** A rule from the user's `[[rules]]`. It is tried before ours, on the words and on the raw body. */
export interface UserRule {
  provider?: string | undefined;
  status?: number | undefined;
  /** Matched without regard to case. */
  text?: string | undefined;
  regex?: RegExp | undefined;
  verdict: VerdictKind;
}

/** What rules are held against. */
export interface RuleSubject {
  provider: string;
  path: string;
  status: number;
  words: ErrorText;
  /** The body as it came, for the user's own rules. */
  body: string;
}

/** Who is at fault when neither the rule nor the provider says more. */
export const USUAL_FAULT: Record<VerdictKind, Fault> = {
  subscription: "lane",
  payment: "key",
  quota: "key",
  "rate-limit": "lane",
  concurrency: "lane",
  auth: "key",
  forbidden: "key",
  "model-not-found": "model",
  overloaded: "attempt",
  "server-error": "attempt",
  timeout: "attempt",
  reset: "attempt",
  silent: "model",
  overflow: "request",
  "bad-request": "request",
  "content-policy": "request",
};

/** Whether one of our rules speaks for this reply. */
export function matchesRule(rule: ErrorRule, subject: RuleSubject): boolean {
  const { words, status } = subject;
  if (rule.status !== undefined && !rule.status.includes(status)) return false;
  if (rule.notStatus?.includes(status) === true) return false;
  if (rule.provider !== undefined && !rule.provider.test(subject.provider)) return false;
  if (rule.path !== undefined && !rule.path.test(subject.path)) return false;
  if (rule.page === true && words.form !== "html") return false;
  if (rule.text !== undefined && !rule.text.test(words.text)) return false;
  if (rule.unless?.test(words.text) === true) return false;
  return matchesCodes(rule, words.codes);
}

function matchesCodes({ codes, code }: ErrorRule, said: readonly string[]): boolean {
  if (code !== undefined && !said.some((one) => code.test(one))) return false;
  if (codes === undefined) return true;
  const plain = new Set(said.map((one) => one.toLowerCase()));
  return codes.some((one) => plain.has(one.toLowerCase()));
}

/** Whether a user's rule speaks for this reply. */
export function matchesUserRule(rule: UserRule, subject: RuleSubject): boolean {
  if (rule.status !== undefined && rule.status !== subject.status) return false;
  if (rule.provider !== undefined && rule.provider !== subject.provider) return false;
  const said = `${subject.words.text}\n${subject.body}`;
  if (rule.text !== undefined && !said.toLowerCase().includes(rule.text.toLowerCase())) return false;
  // A regex with the g or y flag remembers where it stopped; search() does not mind.
  return rule.regex === undefined || said.search(rule.regex) >= 0;
}
