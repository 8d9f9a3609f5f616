import { statSync } from "node:fs";
import { shellWord } from "../../cli/shell-word.ts";
import type { ImportSource } from "../../config/imports/import-source.ts";
import { counted } from "../../core/counted.ts";
import { fingerprint } from "../../core/fingerprint.ts";
import { type Finding, note, wrong } from "./finding.ts";
import type { Patient } from "./patient.ts";

const OTHERS = 0o077;

/** Files with keys that are not ours: who else can read them, and what could be taken over from them. */
export function checkOtherFiles(patient: Patient, seeds: readonly ImportSource[]): Finding[] {
  const auth = patient.paths.opencodeAuthFile;
  return [
    ...exposed("opencode's keys", auth),
    ...seeds.flatMap(({ from, found }) => (found.keys.length > 0 ? exposed("older tools", from) : [])),
    ...seeds.flatMap((seed) => importable(patient, seed)),
  ];
}

function exposed(check: string, file: string): Finding[] {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0;
  if (process.platform === "win32" || (mode & OTHERS) === 0) return [];
  return [wrong(check, `${file} holds keys, and others can read it.`, `chmod 600 ${shellWord(file)}`)];
}

function importable({ keys, entries }: Patient, { from, tool, found }: ImportSource): Finding[] {
  if (keys === undefined) return [];
  const known = new Set([
    ...keys.map((key) => key.fingerprint),
    ...entries.flatMap(({ place }) => (place.kind === "value" ? [fingerprint(place.secret)] : [])),
  ]);
  const prints = found.keys.flatMap(({ place }) => ("secret" in place ? [fingerprint(place.secret)] : []));
  const fresh = new Set(prints.filter((print) => !known.has(print)));
  if (fresh.size === 0) return [];
  const what = `${from} (${tool}) has ${counted(fresh.size, "key")} that orouter does not know.`;
  return [note("older tools", what, `Take ${fresh.size === 1 ? "it" : "them"} over: orouter keys import`)];
}
