import { EXIT, Problem } from "../problem.ts";
import { isTable } from "./setting-faults.ts";
import type { SettingPath } from "./setting-path.ts";

/** The value at a path of a parsed file. */
export function valueAt(root: unknown, path: SettingPath): unknown {
  return path.reduce<unknown>((value, step) => {
    if (typeof step === "number") return Array.isArray(value) ? value[step] : undefined;
    return isTable(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }, root);
}

/** A file's value with another one at a path; undefined takes it out. */
export function withValueAt(file: Record<string, unknown>, path: SettingPath, value: unknown) {
  const changed = changedAt(file, path, value);
  return isTable(changed) ? changed : {};
}

function changedAt(old: unknown, [step, ...rest]: SettingPath, value: unknown): unknown {
  if (step === undefined) return value;
  if (typeof step === "number") {
    const list: unknown[] = Array.isArray(old) ? old : [];
    if (step >= list.length) throw noSuchEntry(step, list.length);
    return list.flatMap((item, at) => (at === step ? (changedAt(item, rest, value) ?? []) : [item]));
  }
  const { [step]: inner, ...others } = isTable(old) ? old : {};
  const changed = changedAt(inner, rest, value);
  if (changed === undefined) return others;
  // In its old place: the order of a table is its reader's.
  return isTable(old) ? { ...old, [step]: changed } : { [step]: changed };
}

function noSuchEntry(index: number, length: number): Problem {
  return new Problem({
    code: "unknown-setting",
    what: `There is no entry [${index}]: the list has ${length}, and the first is [0].`,
    fix: "A new entry is best written by hand; see: orouter config path",
    exit: EXIT.usage,
  });
}
