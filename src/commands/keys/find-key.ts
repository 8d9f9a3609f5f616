import { looksLikeSecret } from "../../cli/looks-like-secret.ts";
import { secretInWords } from "../../cli/usage-problem.ts";
import { keyTitle } from "../../core/key.ts";
import { didYouMean, nearest } from "../../core/nearest.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import type { ListedKey } from "./listed-key.ts";

/** So many digits of a fingerprint tell a person's keys apart. */
const FINGERPRINT = /^[0-9a-f]{5,12}$/;

/** The one key a person means by `name`, `provider/name` or the beginning of a fingerprint. */
export function findKey(keys: readonly ListedKey[], asked: string, provider?: string): ListedKey {
  const among = provider === undefined ? keys : keys.filter((key) => key.provider === provider);
  const found = matching(among, asked);
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  if (first !== undefined) throw ambiguous(asked, found);
  if (looksLikeSecret(asked) && !FINGERPRINT.test(asked)) throw secretInWords();
  throw notFound(asked, among, provider);
}

/** `provider/name`, with the fingerprint where there is one. */
export function describeKey(key: Pick<ListedKey, "provider" | "name" | "fingerprint">): string {
  return key.fingerprint === undefined ? keyTitle(key) : `${keyTitle(key)} (${key.fingerprint})`;
}

/** A name is a name even where it could be the beginning of a fingerprint. */
function matching(keys: readonly ListedKey[], asked: string): ListedKey[] {
  const byTitle = keys.filter((key) => keyTitle(key) === asked);
  if (byTitle.length > 0) return byTitle;
  const byName = keys.filter((key) => key.name === asked);
  if (byName.length > 0) return byName;
  const digits = asked.toLowerCase();
  return FINGERPRINT.test(digits) ? keys.filter((key) => key.fingerprint?.startsWith(digits) === true) : [];
}

function ambiguous(asked: string, found: readonly ListedKey[]): Problem {
  return new Problem({
    code: "key-ambiguous",
    what: `${asked} may mean any of ${found.length} keys: ${found.map(describeKey).join(", ")}.`,
    fix: "Name it as provider/name, or by its fingerprint.",
    exit: EXIT.usage,
  });
}

function notFound(asked: string, keys: readonly ListedKey[], provider: string | undefined): Problem {
  const near = nearest(
    asked,
    keys.flatMap((key) => [key.name, keyTitle(key)]),
  );
  return new Problem({
    code: "key-not-found",
    what: `There is no key ${JSON.stringify(asked)}${provider === undefined ? "" : ` of ${provider}`}.${didYouMean(near)}`,
    fix: "See them with: orouter keys list",
    exit: EXIT.usage,
  });
}
