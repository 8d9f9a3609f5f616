import { isTable } from "../settings/checks.ts";
import { type AuthEntry, findEnvKeys } from "../settings/keys.ts";
import type { Provider } from "../settings/provider.ts";
import { type ImportedKey, type ImportedSettings, isKeyExport, type KeyImport } from "./export.ts";
import { type ImportOwner, importedSecret, wholeNumber } from "./plan-import.ts";

interface Entry {
  provider: string;
  name: string;
  text: string;
  where: string;
}

/** Each key is named after its variable. */
export function readEnvImport(
  env: Readonly<Record<string, string | undefined>>,
  providers: readonly Provider[],
): KeyImport {
  const entries = findEnvKeys(env, providers).map(({ provider, variable, text }) => {
    return { provider, name: variable, text, where: variable };
  });
  return toImport(entries, []);
}

/** `ownerOf` maps opencode's id to a provider; undefined if there is none. */
export function readAuthImport(
  entries: readonly AuthEntry[],
  ownerOf: (id: string) => string | undefined,
): KeyImport {
  const foreign: string[] = [];
  const own = entries.flatMap(({ provider: id, text }) => {
    const provider = ownerOf(id);
    if (provider !== undefined) return [{ provider, name: "opencode", text, where: id }];
    foreign.push(`The key of ${id} is left out: config.toml has no such provider.`);
    return [];
  });
  return toImport(own, foreign);
}

function toImport(entries: readonly Entry[], before: readonly string[]): KeyImport {
  const keys: ImportedKey[] = [];
  const leftOut = [...before];
  for (const { provider, name, text, where } of entries) {
    const found = importedSecret(text);
    if ("why" in found) leftOut.push(`The key of ${where} is left out: ${found.why}.`);
    else keys.push({ provider, name, enabled: true, place: { kind: "value", secret: found.secret } });
  }
  return { keys, leftOut, settings: {} };
}

const PROVIDER = "nvidia";

/** The rotator's strategies; orouter has the same under the same names. */
const STRATEGIES = ["round-robin", "least-failures"] as const;

/** Reads the rotator's store or export: `{keys: [{name, key, enabled}], rotationStrategy, fallbackChain, …}`. */
export function readNimRotator(value: unknown): KeyImport {
  const store = isTable(value) ? value : {};
  const list = Array.isArray(store["keys"]) ? store["keys"] : [];
  const keys: ImportedKey[] = [];
  const leftOut: string[] = [];
  for (const [at, entry] of list.entries()) {
    const written = isTable(entry) ? entry : {};
    const found = importedSecret(written["key"]);
    if ("why" in found) leftOut.push(`Key ${at + 1} of ${list.length} is left out: ${found.why}.`);
    else keys.push(toKey(written, found.secret));
  }
  return { keys, leftOut, settings: rotatorSettings(store) };
}

function toKey({ name, enabled }: Record<string, unknown>, secret: string): ImportedKey {
  return {
    provider: PROVIDER,
    name: typeof name === "string" ? name : undefined,
    enabled: enabled !== false,
    place: { kind: "value", secret },
  };
}

function rotatorSettings(store: Record<string, unknown>): ImportedSettings {
  const strategy = STRATEGIES.find((one) => one === store["rotationStrategy"]);
  const threshold = wholeNumber(store["maxRateLimitFailures"], 1, 1000);
  const chain = chainOf(store["fallbackChain"]);
  return {
    ...(strategy === undefined ? {} : { strategy }),
    ...(threshold === undefined ? {} : { rateLimitThreshold: threshold }),
    ...(chain.length === 0 ? {} : { chain }),
  };
}

/** NVIDIA's ids begin with the maker of the model, not with the provider. */
function chainOf(value: unknown): string[] {
  const models = Array.isArray(value) ? value : [];
  const ids = models.flatMap((model: unknown) => {
    const id = isTable(model) ? model["id"] : model;
    return typeof id === "string" && id !== "" ? [`${PROVIDER}/${id}`] : [];
  });
  return [...new Set(ids)];
}

/** Two tools with a plain list of keys; the same option means something else in each. */
export type OllamaTool = "ollama-router" | "multi-auth";

/** The tool's own name for its provider. */
export function ollamaToolProvider(value: unknown): string | undefined {
  const options = toolOptions(value);
  return typeof options["providerId"] === "string" ? options["providerId"] : undefined;
}

/** Reads `{providerId, maxRetries, failWindowMs, keys: ["…"]}`: a file of either tool, or a plugin's options. */
export function readOllamaTool(tool: OllamaTool, value: unknown, owner: ImportOwner): KeyImport {
  const options = toolOptions(value);
  const list = Array.isArray(options["keys"]) ? options["keys"] : [];
  const keys: ImportedKey[] = [];
  const leftOut: string[] = [];
  for (const [at, entry] of list.entries()) {
    const found = importedSecret(entry);
    if ("why" in found) leftOut.push(`Key ${at + 1} of ${list.length} is left out: ${found.why}.`);
    else {
      const place = { kind: "value", secret: found.secret } as const;
      keys.push({ provider: owner.id, name: undefined, enabled: true, place });
    }
  }
  return { keys, leftOut, settings: { ...ollamaToolSettings(tool, options), ...providerOf(owner) } };
}

/** The plugin's options may be nested under a name. */
function toolOptions(value: unknown): Record<string, unknown> {
  if (!isTable(value)) return {};
  return isTable(value["ollamaMultiAuth"]) ? value["ollamaMultiAuth"] : value;
}

function ollamaToolSettings(tool: OllamaTool, options: Record<string, unknown>): ImportedSettings {
  // multi-auth's number limits how many keys are tried; orouter always tries all of them.
  const tries = tool === "ollama-router" ? wholeNumber(options["maxRetries"], 1, 100) : undefined;
  const windowMs = wholeNumber(options["failWindowMs"], 1, Number.MAX_SAFE_INTEGER);
  return {
    ...(tries === undefined ? {} : { triesPerKey: tries }),
    ...(windowMs === undefined ? {} : { failWindowMs: windowMs }),
  };
}

function providerOf({ id, baseUrl }: ImportOwner): ImportedSettings {
  return baseUrl === undefined ? {} : { provider: { id, baseUrl } };
}

/** The format of a file, by its content. */
export type ImportFormat =
  | "export"
  | "opencode-config"
  | "nim-rotator"
  | "ollama-router"
  | "multi-auth"
  | "auth";

/** Decides by the content; the file name only separates two tools with the same format. */
export function recogniseImport(value: unknown, fileName: string): ImportFormat | undefined {
  if (!isTable(value)) return undefined;
  if (isKeyExport(value)) return "export";
  if (Array.isArray(value["plugin"])) return "opencode-config";
  if (isTable(value["ollamaMultiAuth"])) return "multi-auth";
  if (Array.isArray(value["keys"])) return listFormat(value["keys"], value, fileName);
  const entries = Object.values(value);
  const isAuth = entries.length > 0 && entries.every((entry) => isTable(entry) && "type" in entry);
  return isAuth ? "auth" : undefined;
}

function listFormat(
  keys: readonly unknown[],
  value: Record<string, unknown>,
  fileName: string,
): ImportFormat | undefined {
  if (keys.length > 0 && keys.every(isTable)) return "nim-rotator";
  if (keys.length === 0) return "rotationStrategy" in value ? "nim-rotator" : "ollama-router";
  if (!keys.some((key) => typeof key === "string")) return undefined;
  return /multi/i.test(`${fileName} ${String(value["providerId"] ?? "")}`) ? "multi-auth" : "ollama-router";
}
