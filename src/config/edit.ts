import { EXIT, Problem } from "../core/problem.ts";
import type { SettingFault } from "../core/settings/checks.ts";
import { faultsProblem, faultText } from "./fault-report.ts";
import { withLock } from "./lock.ts";
import { invalidFile, readToml, type TomlFile } from "./toml-file.ts";
import { writeFileAtomic } from "./write-file.ts";

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
