import type { Tone } from "../../cli/colour.ts";
import { type ArgDefs, type ArgsOf, defineCommand } from "../../cli/command.ts";
import { type Column, outputLook, type TableLook, tableText } from "../../cli/table.ts";
import { out, outJson, say } from "../../cli/talk.ts";
import { EXIT } from "../../core/problem.ts";
import { readContext } from "../context.ts";
import { findProvider, type ListedKey, listKeys } from "./own-key.ts";

const KEYS_LIST_ARGS = {
  provider: {
    type: "positional",
    required: false,
    description: "Show only this provider",
    offers: { names: ["providers"] },
  },
  json: { type: "boolean", description: 'Print {"keys":[…]}' },
} satisfies ArgDefs;

export const keysListCommand = defineCommand({
  name: "list",
  about: "List keys and their sources, never the secrets",
  examples: [
    { line: "orouter keys list", does: "all of them" },
    { line: "orouter keys list nvidia --json", does: "those of one provider, for scripts" },
  ],
  args: KEYS_LIST_ARGS,
  run: list,
  children: {},
});

async function list(args: ArgsOf<typeof KEYS_LIST_ARGS>): Promise<number> {
  await printKeys(args.provider, args.json === true);
  return EXIT.fine;
}

export async function printKeys(provider: string | undefined, asJson: boolean): Promise<void> {
  const context = await readContext();
  const all = listKeys(context);
  const keys = provider === undefined ? all : all.filter((key) => key.provider === provider);
  // An unknown provider name may be mistyped.
  if (provider !== undefined && keys.length === 0) findProvider(context.settings, provider);
  if (asJson) outJson({ keys: keys.map(toJson) });
  else if (keys.length > 0) out(listText(keys, outputLook(context.settings.theme)));
  else say(`No keys yet. Add one: orouter keys add ${provider ?? "ollama-cloud"}`);
}

function listText(keys: readonly ListedKey[], look: TableLook): string {
  const columns: Column[] = [
    { title: "PROVIDER", shrinks: true },
    { title: "NAME", shrinks: true },
    { title: "FINGERPRINT", tone: () => "muted" },
    { title: "SOURCE" },
    { title: "VARIABLE", shrinks: true },
    { title: "STATE", tone: (row) => stateTone(keys[row]) },
  ];
  const rows = keys.map((key) => [
    key.provider,
    key.name,
    key.fingerprint ?? "-",
    sourceText(key),
    key.variable ?? "-",
    stateText(key),
  ]);
  return tableText(columns, rows, look);
}

function sourceText(key: ListedKey): string {
  if (key.source === "embedded") return "none needed";
  return key.from === "keychain" ? "keychain" : key.source;
}

function stateText(key: ListedKey): string {
  if (!key.enabled) return "disabled";
  return key.fingerprint === undefined ? "no secret" : "enabled";
}

function stateTone(key: ListedKey | undefined): Tone {
  if (key?.enabled !== true) return "muted";
  return key.fingerprint === undefined ? "bad" : "good";
}

function toJson({ provider, name, fingerprint, source, from, enabled }: ListedKey) {
  return { provider, name, fingerprint: fingerprint ?? null, source, from, enabled };
}
