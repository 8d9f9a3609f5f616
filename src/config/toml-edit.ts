import { readFile } from "node:fs/promises";
import { parse, TomlError } from "smol-toml";
import { EXIT, Problem } from "../core/problem.ts";
import type { SettingFault } from "../core/settings/checks.ts";
import { requireTrusted } from "./trusted-path.ts";
import { errorCode, fileProblem, withLock, writeFileAtomic } from "./write.ts";

/** The text, for positions and edits, and its parsed value. */
export interface TomlFile {
  text: string;
  value: Record<string, unknown>;
}

/** The fix for every file that only the user can repair. */
const FIX = "Fix it in an editor; orouter has not changed the file.";

/** The parser reports this if a string is not closed on its line. */
const CONTROL_IN_TEXT = "control characters are not allowed in strings";
const OPEN_TEXT = "a text has no quote at its end";

/** Undefined if there is no such file. A file that another user could change is a Problem. */
export async function readToml(file: string): Promise<TomlFile | undefined> {
  requireTrusted(file);
  const text = await readText(file);
  return text === undefined ? undefined : { text, value: parseToml(file, text) };
}

export function invalidFile(what: string, fix = FIX): Problem {
  return new Problem({ code: "config-invalid", what, fix, exit: EXIT.config });
}

/** Undefined if there is no such file. */
export async function readText(file: string): Promise<string | undefined> {
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

/** The first line that is not UTF-8: a lenient decoder puts a replacement character there. */
function badLine(bytes: Uint8Array): number {
  const [before = ""] = new TextDecoder().decode(bytes).split("\uFFFD", 1);
  return before.split("\n").length;
}

export function parseToml(file: string, text: string): Record<string, unknown> {
  try {
    return parse(text, { unsafeKeyBehaviour: "throw" });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The parser's message continues with an excerpt of the file, which may contain secrets.
    const [reason = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n", 1);
    const line = text.split("\n")[error.line - 1] ?? "";
    const isOpen = reason === CONTROL_IN_TEXT && error.column > line.trimEnd().length;
    throw invalidFile(`${file}:${error.line}:${error.column}: ${isOpen ? OPEN_TEXT : reason}`);
  }
}

/** One Problem for all faults, one line each, in the order of the file. */
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
  // Loaded only for an invalid file, to keep valid ones fast.
  const { positionFinder } = await import("./toml-document.ts");
  const find = positionFinder(text);
  const placed = faults.map((fault) => ({ fault, at: find(fault.path) }));
  placed.sort((a, b) => (a.at?.line ?? 0) - (b.at?.line ?? 0) || (a.at?.column ?? 0) - (b.at?.column ?? 0));
  return placed.map(({ fault, at }) => {
    const where = at === undefined ? file : `${file}:${at.line}:${at.column}`;
    return `${where}: ${faultText(fault)}`;
  });
}

export function faultText({ what, allowed }: SettingFault): string {
  if (allowed === undefined) return what;
  return what.endsWith("?") ? `${what} Allowed: ${allowed}` : `${what}; allowed: ${allowed}`;
}

export type TomlValue = Record<string, unknown>;

export type Change = (value: TomlValue) => TomlValue | Promise<TomlValue>;

export interface EditOptions {
  /** Returns the faults of a value; it is only written without any. */
  check?: (value: TomlValue) => readonly SettingFault[];
  opening?: string;
}

/**
 * Keeps comments and order; readers see the old text or the new one. A file that does not parse stays unchanged.
 * Returns whether anything was written.
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
