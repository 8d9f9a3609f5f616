import { readFile } from "node:fs/promises";
import { parse, TomlError } from "smol-toml";
import { EXIT, Problem } from "../core/problem.ts";
import type { SettingFault } from "../core/settings/checks.ts";
import { errorCode, fileProblem, withLock, writeFileAtomic } from "./write.ts";

/** A TOML file as read: its text, for positions and edits, and its value. */
export interface TomlFile {
  text: string;
  value: Record<string, unknown>;
}

/** Said wherever a person's own file stops us. */
const MEND = "Mend it in an editor; orouter has not touched the file.";

/** What the parser says where a text runs into the end of its line, and what that comes to. */
const CONTROL_IN_TEXT = "control characters are not allowed in strings";
const OPEN_TEXT = "a text has no quote at its end";

/** Reads a TOML file; undefined when there is none. One that cannot be read or does not parse is a Problem. */
export async function readToml(file: string): Promise<TomlFile | undefined> {
  const text = await readText(file);
  return text === undefined ? undefined : { text, value: parseToml(file, text) };
}

/** A Problem about what a file says. */
export function invalidFile(what: string, fix = MEND): Problem {
  return new Problem({ code: "config-invalid", what, fix, exit: EXIT.config });
}

async function readText(file: string): Promise<string | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw fileProblem({ code: "config-unreadable", doing: "read", file, exit: EXIT.config }, error);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalidFile(`${file}:${badLine(bytes)}: this is not UTF-8 text`);
  }
}

/** The line of the first byte that does not belong into UTF-8: a lenient decoder leaves its mark there. */
function badLine(bytes: Uint8Array): number {
  const [before = ""] = new TextDecoder().decode(bytes).split("\uFFFD", 1);
  return before.split("\n").length;
}

export function parseToml(file: string, text: string): Record<string, unknown> {
  try {
    return parse(text, { unsafeKeyBehaviour: "throw" });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The parser's message goes on with an excerpt of the file, and the file may hold secrets.
    const [reason = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n", 1);
    const line = text.split("\n")[error.line - 1] ?? "";
    const isOpen = reason === CONTROL_IN_TEXT && error.column > line.trimEnd().length;
    throw invalidFile(`${file}:${error.line}:${error.column}: ${isOpen ? OPEN_TEXT : reason}`);
  }
}

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

/** A copy of the file's value, which an edit may change in place and return. */
export type TomlValue = Record<string, unknown>;

/** Makes the new value; the lock is held meanwhile. */
export type Change = (value: TomlValue) => TomlValue | Promise<TomlValue>;

export interface EditOptions {
  /** Returns what is wrong with a value; nothing is written while anything is. */
  check?: (value: TomlValue) => readonly SettingFault[];
  /** The first text of a file that does not exist yet. */
  opening?: string;
}

/**
 * Changes a TOML file under a lock. Comments and order stay; readers see the old text or the new one. A file that does
 * not parse is left alone. Returns whether anything was written.
 */
export async function editToml(file: string, change: Change, options: EditOptions = {}): Promise<boolean> {
  return await withLock(file, async () => {
    const old: TomlFile | undefined = await readToml(file);
    const oldText = old?.text ?? options.opening ?? "";
    const text = await changedText(file, oldText, change, options);
    if (old !== undefined && text === old.text) return false;
    await writeFileAtomic(file, text);
    return true;
  });
}

async function changedText(
  file: string,
  oldText: string,
  change: Change,
  { check }: EditOptions,
): Promise<string> {
  const { parseForEdit, patchToml } = await import("./toml-document.ts");
  const oldFaults = check?.(parseForEdit(oldText)) ?? [];
  if (oldFaults.length > 0) throw await faultsProblem(file, oldText, oldFaults);
  const value = await change(parseForEdit(oldText));
  const faults = check?.(value) ?? [];
  if (faults.length > 0) throw refused(file, faults);
  const text = patchToml(oldText, value);
  if (text !== undefined) return text;
  throw new Problem({
    code: "cannot-edit",
    what: `This change cannot be made in ${file} without disturbing the rest of it.`,
    fix: "Make it in an editor. The file is unchanged.",
    exit: EXIT.config,
  });
}

function refused(file: string, faults: readonly SettingFault[]): Problem {
  return invalidFile(faults.map(faultText).join("\n"), `Nothing was written to ${file}.`);
}
