import type { Problem } from "../core/problem.ts";
import type { SettingFault } from "../core/settings/checks.ts";
import { invalidFile } from "./toml-file.ts";

/** All that is wrong in a file as one Problem, a line for each, in the order of the file. */
export async function faultsProblem(
  file: string,
  text: string,
  faults: readonly SettingFault[],
): Promise<Problem> {
  return invalidFile((await describeFaults(file, text, faults)).join("\n"));
}

/** `FILE:LINE:COLUMN: what is wrong; allowed: what would be right`, in the order of the file. */
export async function describeFaults(
  file: string,
  text: string,
  faults: readonly SettingFault[],
): Promise<string[]> {
  if (faults.length === 0) return [];
  // Loaded only when something is wrong: reading a good file must stay quick.
  const { positionFinder } = await import("./toml-document.ts");
  const find = positionFinder(text);
  const placed = faults.map((fault) => ({ fault, at: find(fault.path) }));
  placed.sort((a, b) => (a.at?.line ?? 0) - (b.at?.line ?? 0) || (a.at?.column ?? 0) - (b.at?.column ?? 0));
  return placed.map(({ fault, at }) => {
    const where = at === undefined ? file : `${file}:${at.line}:${at.column}`;
    return `${where}: ${faultText(fault)}`;
  });
}

/** What is wrong, and what would be right. */
export function faultText({ what, allowed }: SettingFault): string {
  if (allowed === undefined) return what;
  return what.endsWith("?") ? `${what} Allowed: ${allowed}` : `${what}; allowed: ${allowed}`;
}
