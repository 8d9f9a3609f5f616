import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cleanSecret } from "../../core/settings/secret.ts";
import { isTable } from "../../core/settings/setting-faults.ts";
import { opencodeFolder } from "./opencode-configs.ts";
import type { Patient } from "./patient.ts";
import type { SeedPlugin } from "./seed-plugins.ts";

/** A file of another tool that holds keys. */
export interface SeedFile {
  file: string;
  tool: string;
  secrets: readonly string[];
}

/** What examples in their readmes have in a key's place. */
const EXAMPLE = /^your[-_]|^nvapi-\.{3}$|^\{(?:env|file):/i;

/** The keys that the older tools have kept, in files of theirs or among opencode's plugins. */
export function findSeedFiles(
  patient: Pick<Patient, "env" | "home">,
  plugins: readonly SeedPlugin[],
): SeedFile[] {
  const folder = opencodeFolder(patient);
  const files = [
    { tool: "opencode-ollama-router", file: join(folder, "ollama-router.json") },
    {
      tool: "opencode-nim-rotator",
      file: patient.env["NIM_ROTATOR_STORE_PATH"] || join(folder, "nim-rotator-keys.json"),
    },
  ];
  const found = files.map((one) => ({ ...one, secrets: secretsIn(readJson(one.file)) }));
  const inPlugins = plugins
    .filter(({ name }) => name === "opencode-ollama-multi-auth")
    .map(({ name, from, options }) => ({
      tool: name,
      file: from,
      secrets: secretsIn(isTable(options) ? (options["ollamaMultiAuth"] ?? options) : undefined),
    }));
  return [...found, ...inPlugins].filter(({ secrets }) => secrets.length > 0);
}

/** `keys` is a list of secrets in one tool, of objects with a `key` in another. */
function secretsIn(value: unknown): string[] {
  const keys = isTable(value) && Array.isArray(value["keys"]) ? value["keys"] : [];
  return keys.flatMap((entry: unknown) => {
    const text = isTable(entry) ? entry["key"] : entry;
    const secret = typeof text === "string" && !EXAMPLE.test(text) ? cleanSecret(text) : undefined;
    return secret === undefined ? [] : [secret];
  });
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}
