import { isTable } from "../settings/setting-faults.ts";
import { importedSecret } from "./imported-secret.ts";
import type { ImportedKey, ImportedSettings, KeyImport } from "./key-import.ts";
import { wholeNumber } from "./whole-number.ts";

const PROVIDER = "nvidia";

/** What the tool can do with its keys; orouter does the same under the same names. */
const STRATEGIES = ["round-robin", "least-failures"] as const;

/** Reads the rotator's store, or what it exports: `{keys: [{name, key, enabled}], rotationStrategy, fallbackChain, …}`. */
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
  return { keys, leftOut, settings: settingsOf(store) };
}

function toKey({ name, enabled }: Record<string, unknown>, secret: string): ImportedKey {
  return {
    provider: PROVIDER,
    name: typeof name === "string" ? name : undefined,
    enabled: enabled !== false,
    place: { kind: "value", secret },
  };
}

function settingsOf(store: Record<string, unknown>): ImportedSettings {
  const strategy = STRATEGIES.find((one) => one === store["rotationStrategy"]);
  const threshold = wholeNumber(store["maxRateLimitFailures"], 1, 1000);
  const chain = chainOf(store["fallbackChain"]);
  return {
    ...(strategy === undefined ? {} : { strategy }),
    ...(threshold === undefined ? {} : { rateLimitThreshold: threshold }),
    ...(chain.length === 0 ? {} : { chain }),
  };
}

/** Its ids are NVIDIA's own, whose first part is who made the model and not the provider. */
function chainOf(value: unknown): string[] {
  const models = Array.isArray(value) ? value : [];
  const ids = models.flatMap((model: unknown) => {
    const id = isTable(model) ? model["id"] : model;
    return typeof id === "string" && id !== "" ? [`${PROVIDER}/${id}`] : [];
  });
  return [...new Set(ids)];
}
