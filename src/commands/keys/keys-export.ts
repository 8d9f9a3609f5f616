import { existsSync, fstatSync } from "node:fs";
import { resolve } from "node:path";
import { type ArgDefs, type ArgsOf, defineCommand, usageFault } from "../../cli/command.ts";
import { out, say, talk } from "../../cli/talk.ts";
import { writeFileAtomic } from "../../config/write.ts";
import { type KeyToExport, keyExport } from "../../core/imports/export.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { counted } from "../../core/text.ts";
import { type CommandContext, readContext } from "../context.ts";
import { type ListedKey, listKeys } from "./own-key.ts";

const KEYS_EXPORT_ARGS = {
  "with-secrets": { type: "boolean", description: "Include the secrets; refused if stdout is a terminal" },
  out: { type: "string", description: "Write to this file, readable only by you", valueHint: "FILE" },
  force: { type: "boolean", description: "Overwrite an existing file" },
} satisfies ArgDefs;

/** Includes secrets only where no other user can read them. */
export const keysExportCommand = defineCommand({
  name: "export",
  about: "Export keys as JSON, without secrets by default",
  examples: [
    { line: "orouter keys export", does: "names, providers, fingerprints" },
    { line: "orouter keys export --with-secrets --out keys.json", does: "all of keys.toml, for keys import" },
    {
      line: "orouter keys export --with-secrets | gpg -c -o keys.gpg",
      does: "pipe it into a program that encrypts it",
    },
  ],
  args: KEYS_EXPORT_ARGS,
  run: runExport,
  children: {},
});

async function runExport(args: ArgsOf<typeof KEYS_EXPORT_ARGS>): Promise<number> {
  const withSecrets = args.withSecrets === true;
  const file = args.out;
  if (withSecrets && file === undefined) refuseOpenStdout();
  await exportKeys(await readContext(), { withSecrets, file, mayReplace: args.force === true });
  return EXIT.fine;
}

export interface ExportOptions {
  withSecrets: boolean;
  file: string | undefined;
  mayReplace: boolean;
}

export async function exportKeys(context: CommandContext, options: ExportOptions): Promise<void> {
  const { withSecrets, mayReplace } = options;
  const file = options.file === undefined ? undefined : resolve(options.file);
  if (file !== undefined && !mayReplace && existsSync(file)) throw fileThere(file);
  const keys = listKeys(context)
    .filter(({ source }) => source !== "embedded")
    .map((key) => toExport(context, key, withSecrets));
  const text = JSON.stringify(keyExport(keys), undefined, 2);
  if (file === undefined) out(text);
  else await writeFileAtomic(file, `${text}\n`);
  for (const sentence of withSecrets ? missingFrom(keys) : []) say(sentence);
  if (file === undefined) return;
  const what = withSecrets ? "with their secrets; only you can read it" : "without their secrets";
  talk.success(`Wrote ${counted(keys.length, "key")} to ${file}, ${what}.`);
}

function toExport(context: CommandContext, key: ListedKey, withSecrets: boolean): KeyToExport {
  const { provider, name, fingerprint, enabled, source, variable } = key;
  const head = { provider, name, fingerprint, enabled, source };
  if (variable !== undefined) return { ...head, place: { kind: "env", variable } };
  const secret = withSecrets && source === "keys.toml" ? secretOf(context, key) : undefined;
  return { ...head, place: { kind: key.from === "keychain" ? "keychain" : "value", secret } };
}

function secretOf(
  { entries, keys }: CommandContext,
  { provider, name, fingerprint }: ListedKey,
): string | undefined {
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
      ({ provider, name }) => `${provider}/${name} has no secret: the keychain did not return it.`,
    ),
  ];
}

/** Secrets may go into a pipe or a private file, never to a screen. */
function refuseOpenStdout(): void {
  if (process.stdout.isTTY === true) throw openPlace("Keys are not shown on a terminal.");
  const { mode } = fstatSync(1);
  const isFile = (mode & 0o170000) === 0o100000;
  if (isFile && process.platform !== "win32" && (mode & 0o077) !== 0)
    throw openPlace("Stdout is a file that other users can read.");
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
    what: `${file} already exists.`,
    fix: "Choose another name, or overwrite it with --force.",
    exit: EXIT.usage,
  });
}
