import { cleanSecret } from "../settings/secret.ts";

/** What examples in readmes have in a key's place, and references that only opencode follows. */
const EXAMPLE = /^your[-_ ]|^<.*>$|^(?:sk|nvapi)-?(?:\.{3}|…)$|^\.{3}$|^x{4,}$/i;
const REFERENCE = /^\{(?:env|file):/i;

/** A secret that can be used, or why the text is none. */
export function importedSecret(value: unknown): { secret: string } | { why: string } {
  if (typeof value !== "string" || value.trim() === "") return { why: "there is no key" };
  const text = value.trim();
  if (EXAMPLE.test(text)) return { why: "it is the example of the readme, no key" };
  if (REFERENCE.test(text)) return { why: "it only says where opencode finds the key" };
  const secret = cleanSecret(text);
  return secret === undefined ? { why: "it has blanks or odd characters inside" } : { secret };
}
