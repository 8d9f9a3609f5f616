import { existsSync, fstatSync } from "node:fs";
import { resolve } from "node:path";
import { textArg, usageFault, type Verb, type VerbArgs } from "../../cli/command.ts";
import { out, say, talk } from "../../cli/talk.ts";
import { writeFileAtomic } from "../../config/write-file.ts";
import { counted } from "../../core/counted.ts";
import { type KeyToExport, keyExport } from "../../core/imports/export.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { readWorld, type World } from "../world.ts";
import { type ListedKey, listKeys } from "./own-key.ts";

/** `orouter keys export`: for a copy, or for another machine. Secrets come along only where nobody else can read them. */
export const keysExportVerb: Verb = {
  name: "export",
  about: "Write the keys as JSON, without the secrets unless asked for",
  examples: [
    { line: "orouter keys export", does: "names, providers, fingerprints" },
    { line: "orouter keys export --with-secrets --out keys.json", does: "all of keys.toml, for keys import" },
    {
      line: "orouter keys export --with-secrets | gpg -c -o keys.gpg",
      does: "into a program that seals it",
    },
  ],
  args: {
    "with-secrets": { type: "boolean", description: "The keys themselves, too; to a terminal never" },
    out: { type: "string", description: "Into this file, which only you can read", valueHint: "FILE" },
    force: { type: "boolean", description: "Replace the file where there is one" },
  },
  run: runExport,
  children: {},
};

async function runExport(args: VerbArgs): Promise<number> {
  const withSecrets = args["with-secrets"] === true;
  const file = textArg(args, "out");
  if (withSecrets && file === undefined) refuseOpenStdout();
  await exportKeys(await readWorld(), { withSecrets, file, mayReplace: args["force"] === true });
  return EXIT.fine;
}

export interface ExportOptions {
  withSecrets: boolean;
  /** Undefined: stdout. */
  file: string | undefined;
  mayReplace: boolean;
}

/** Writes the export, and tells what is not in it. */
export async function exportKeys(world: World, options: ExportOptions): Promise<void> {
  const { withSecrets, mayReplace } = options;
  const file = options.file === undefined ? undefined : resolve(options.file);
  if (file !== undefined && !mayReplace && existsSync(file)) throw fileThere(file);
  const keys = listKeys(world)
    .filter(({ source }) => source !== "embedded")
    .map((key) => toExport(world, key, withSecrets));
  const text = JSON.stringify(keyExport(keys), undefined, 2);
  if (file === undefined) out(text);
  else await writeFileAtomic(file, `${text}\n`);
  for (const sentence of withSecrets ? missingFrom(keys) : []) say(sentence);
  if (file === undefined) return;
  const what = withSecrets ? "with their secrets; only you can read it" : "without their secrets";
  talk.success(`Wrote ${counted(keys.length, "key")} to ${file}, ${what}.`);
}

function toExport(world: World, key: ListedKey, withSecrets: boolean): KeyToExport {
  const { provider, name, fingerprint, enabled, source, variable } = key;
  const head = { provider, name, fingerprint, enabled, source };
  if (variable !== undefined) return { ...head, place: { kind: "env", variable } };
  const secret = withSecrets && source === "keys.toml" ? secretOf(world, key) : undefined;
  return { ...head, place: { kind: key.from === "keychain" ? "keychain" : "value", secret } };
}

function secretOf({ entries, keys }: World, { provider, name, fingerprint }: ListedKey): string | undefined {
  const entry = entries.find((one) => one.provider === provider && one.name === name);
  if (entry?.place.kind === "value") return entry.place.secret;
  return keys.find((key) => key.provider === provider && key.fingerprint === fingerprint)?.secret;
}

function missingFrom(keys: readonly KeyToExport[]): string[] {
  const others = keys.filter(({ source }) => source !== "keys.toml").length;
  const locked = keys.filter(
    ({ source, place }) => source === "keys.toml" && place.kind !== "env" && place.secret === undefined,
  );
  return [
    ...(others === 0
      ? []
      : [
          `${others} of the environment or of opencode ${others === 1 ? "is" : "are"} listed without a secret; take them into keys.toml first: orouter keys import --from env|auth`,
        ]),
    ...locked.map(
      ({ provider, name }) => `${provider}/${name} is without its secret: the keychain has not given it.`,
    ),
  ];
}

/** Secrets go to a program behind a pipe, or into a file that nobody else can read; to no screen. */
function refuseOpenStdout(): void {
  if (process.stdout.isTTY === true) throw openPlace("Keys are not shown on a terminal.");
  const { mode } = fstatSync(1);
  const isFile = (mode & 0o170000) === 0o100000;
  if (isFile && process.platform !== "win32" && (mode & 0o077) !== 0)
    throw openPlace("What stdout goes to is a file that others can read.");
}

function openPlace(what: string): Problem {
  return usageFault(
    what,
    "Into a file of your own: orouter keys export --with-secrets --out FILE; or pipe it into a program.",
  );
}

function fileThere(file: string): Problem {
  return new Problem({
    code: "file-exists",
    what: `${file} is there already.`,
    fix: "Take another name, or replace it with --force.",
    exit: EXIT.usage,
  });
}
