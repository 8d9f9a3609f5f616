import { EXIT, Problem } from "../core/problem.ts";
import type { SettingFault } from "../core/settings/checks.ts";
import { faultsProblem, faultText } from "./fault-report.ts";
import { withLock } from "./lock.ts";
import { invalidFile, readToml, type TomlFile } from "./toml-file.ts";
import { writeFileAtomic } from "./write-file.ts";

/** What an edit works on: a copy of the file's value, free to be changed in place and returned. */
export type TomlValue = Record<string, unknown>;

/** Makes the new value; it may wait for something, and holds the lock meanwhile. */
export type Change = (value: TomlValue) => TomlValue | Promise<TomlValue>;

export interface EditOptions {
  /** Says what would be wrong with the new value; nothing is written while anything is. */
  check?: (value: TomlValue) => readonly SettingFault[];
  /** What a file that does not exist yet begins with. */
  opening?: string;
}

/**
 * Changes a TOML file under a lock: every comment and the order stay, and readers see the old text or the new one.
 * A file that does not parse is left alone. Returns whether anything was written.
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
    what: `This change does not fit into ${file} as it is written.`,
    fix: "Make it in an editor; the file is as it was.",
    exit: EXIT.config,
  });
}

function refused(file: string, faults: readonly SettingFault[]): Problem {
  return invalidFile(faults.map(faultText).join("\n"), `Nothing was written to ${file}.`);
}
