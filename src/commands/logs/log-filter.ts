import { looksLikeSecret } from "../../cli/looks-like-secret.ts";
import { textArg } from "../../cli/text-arg.ts";
import { secretInWords, usageProblem } from "../../cli/usage-problem.ts";
import type { VerbArgs } from "../../cli/verb.ts";
import { CHAIN_PROVIDER, parseModelRef } from "../../core/model-ref.ts";
import type { LedgerEntry, LedgerFilter } from "../../state/ledger.ts";

/** Which requests a person wants to see: what the ledger looks for, and what is left to look for in its answer. */
export interface LogFilter {
  ledger: Omit<LedgerFilter, "limit" | "afterSeq">;
  /** Undefined where the ledger's own filter says it all. */
  matches: ((entry: LedgerEntry) => boolean) | undefined;
}

/** So many digits of a fingerprint tell a person's keys apart; `keys list` shows all twelve. */
const FINGERPRINT = /^[0-9a-f]{5,12}$/i;

export function logFilter(args: VerbArgs): LogFilter {
  const key = textArg(args, "key");
  const model = textArg(args, "model");
  const session = textArg(args, "session");
  const named = key === undefined ? { keyName: undefined, matches: undefined } : keyFilter(key);
  return {
    ledger: {
      failuresOnly: args["failures"] === true,
      keyName: named.keyName,
      // The name of a chain is a model's name too.
      model: model === undefined || parseModelRef(model) !== undefined ? model : `${CHAIN_PROVIDER}/${model}`,
      session,
    },
    matches: named.matches,
  };
}

/** A key by its name, as provider/name, or by the beginning of its fingerprint, which outlives a renaming. */
function keyFilter(text: string): Pick<LogFilter, "matches"> & { keyName: string | undefined } {
  const slash = text.indexOf("/");
  if (slash > 0) {
    const provider = `${text.slice(0, slash)}/`;
    const keyName = text.slice(slash + 1);
    return {
      keyName,
      matches: ({ attempts }) =>
        attempts.some((attempt) => attempt.keyName === keyName && attempt.model.startsWith(provider)),
    };
  }
  if (FINGERPRINT.test(text)) {
    const digits = text.toLowerCase();
    return {
      keyName: undefined,
      matches: ({ attempts }) =>
        attempts.some((attempt) => attempt.fingerprint.startsWith(digits) || attempt.keyName === text),
    };
  }
  if (looksLikeSecret(text)) throw secretInWords();
  return { keyName: text, matches: undefined };
}

const DEFAULT_LINES = 20;
const MAX_LINES = 10_000_000;

/** How many requests to begin with. */
export function lineCount(args: VerbArgs, path: readonly string[]): number {
  const text = textArg(args, "lines");
  if (text === undefined) return DEFAULT_LINES;
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= MAX_LINES) return count;
  throw usageProblem(`-n takes a number of requests, from 1 up, and not ${JSON.stringify(text)}.`, path);
}
