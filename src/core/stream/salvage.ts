import type { SentAnswer } from "./continuation.ts";

/**
 * What can be done about an answer that broke off. `afresh`: nothing has gone to the client, so that any answer will
 * do. `continue`: another answer can be fitted to what the client has. `none`: it cannot.
 */
export type Salvage = "afresh" | "continue" | "none";

/** `mayResume`: whether the user allows a second answer to be compared with the first. */
export function salvageOf(sent: SentAnswer | undefined, mayResume: boolean): Salvage {
  if (sent === undefined) return "afresh";
  const { text, isTextKept, isSealed, hasOther } = sent;
  // Sealed reasoning belongs to the answer of its own provider: beside another answer that provider refuses it.
  if (hasOther || isSealed || !isTextKept) return "none";
  // Thoughts alone need no comparison: those of the other answer are left out.
  return text.trim() === "" || mayResume ? "continue" : "none";
}
