import type { ErrorText } from "./find-error.ts";
import type { Fault, VerdictKind } from "./verdict.ts";

/** What one provider's reply looks like and what it means. An absent condition matches anything. */
export interface ErrorRule {
  id: string;
  /** Where the reply was seen: a thread, a repository, or the provider's own reference. */
  source: string;
  /**
   * Only for ids and codes that mean something else elsewhere, since the user's config may give a provider any name.
   */
  provider?: RegExp;
  path?: RegExp;
  /** The effective status: the reply's, or the one named by an error inside a 200, or 0. */
  status?: readonly number[];
  notStatus?: readonly number[];
  text?: RegExp;
  unless?: RegExp;
  /** Matched against the text and the codes split into words: `Model.AccessDenied` reads "Model Access Denied". */
  named?: RegExp;
  /** Must not match. */
  notNamed?: RegExp;
  /** Any of these codes, ignoring case. */
  codes?: readonly string[];
  /** Matched against each code. */
  code?: RegExp;
  /** true: only a web page; false: anything else. */
  page?: boolean;
  /** Matched against the start of the raw body: a page may name its firewall outside of its headings. */
  body?: RegExp;
  verdict: VerdictKind;
  /** Default: the kind's usual fault. */
  fault?: Fault;
  /** The text names a window whose end can be computed if no wait is declared. */
  namesWindow?: true;
  /** The declared wait belongs to a smaller window than the one that is used up. */
  ignoresWait?: true;
}

/** A rule of the user's `[[rules]]`. Tried before ours, on the words and on the raw body. */
export interface UserRule {
  provider?: string | undefined;
  status?: number | undefined;
  /** Ignores case. */
  text?: string | undefined;
  regex?: RegExp | undefined;
  verdict: VerdictKind;
}

export interface RuleSubject {
  provider: string;
  path: string;
  status: number;
  words: ErrorText;
  body: string;
}

/** How much of a body is searched for the marks of a firewall. */
const BODY_CHARS = 16_384;

export function matchesRule(rule: ErrorRule, subject: RuleSubject): boolean {
  const { words, status } = subject;
  if (rule.status !== undefined && !rule.status.includes(status)) return false;
  if (rule.notStatus?.includes(status) === true) return false;
  if (rule.provider !== undefined && !rule.provider.test(subject.provider)) return false;
  if (rule.path !== undefined && !rule.path.test(subject.path)) return false;
  if (rule.page !== undefined && rule.page !== (words.form === "html")) return false;
  if (rule.body !== undefined && !rule.body.test(subject.body.slice(0, BODY_CHARS))) return false;
  return matchesWords(rule, words);
}

function matchesWords(rule: ErrorRule, words: ErrorText): boolean {
  if (rule.text !== undefined && !rule.text.test(words.text)) return false;
  if (rule.unless?.test(words.text) === true) return false;
  if (rule.named !== undefined && !rule.named.test(words.named)) return false;
  if (rule.notNamed?.test(words.named) === true) return false;
  if (rule.code !== undefined && !words.codes.some((one) => rule.code?.test(one))) return false;
  if (rule.codes === undefined) return true;
  const plain = new Set(words.codes.map((one) => one.toLowerCase()));
  return rule.codes.some((one) => plain.has(one.toLowerCase()));
}

export function matchesUserRule(rule: UserRule, subject: RuleSubject): boolean {
  if (rule.status !== undefined && rule.status !== subject.status) return false;
  if (rule.provider !== undefined && rule.provider !== subject.provider) return false;
  const said = `${subject.words.text}\n${subject.body}`;
  if (rule.text !== undefined && !said.toLowerCase().includes(rule.text.toLowerCase())) return false;
  // A regex with the g or y flag remembers its position; search() ignores that.
  return rule.regex === undefined || said.search(rule.regex) >= 0;
}

/** Combines several expressions into one, ignoring case, so that a table of phrases can be read line by line. */
export function anyOf(...parts: readonly RegExp[]): RegExp {
  return new RegExp(parts.map((part) => part.source).join("|"), "i");
}

/** Two phrases in the same sentence, in either order, at most `gap` characters apart. */
export function near(first: RegExp, second: RegExp, gap = 60): RegExp {
  // A dot inside a word belongs to a model's name or a number and does not end a sentence.
  const between = `(?:[^.!?|。！？]|\\.(?=\\S)){0,${gap}}?`;
  const [a, b] = [`(?:${first.source})`, `(?:${second.source})`];
  return new RegExp(`${a}${between}${b}|${b}${between}${a}`, "i");
}
