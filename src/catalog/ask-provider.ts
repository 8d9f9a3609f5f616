import { readCombos } from "../core/catalog/combos.ts";
import type { ModelList } from "../core/catalog/provider-models.ts";
import { readModelList } from "../core/catalog/read-model-list.ts";
import type { Provider } from "../core/settings/provider.ts";
import { type Answer, getJson } from "./get-json.ts";

/** What a provider said about its models, or why it said nothing. */
export type ProviderAnswer = { kind: "list"; list: ModelList } | { kind: "failed"; message: string };

/** Of many keys at least one of the first few works, or the fault is not theirs. */
const MAX_KEYS = 4;

/** The preset whose servers have combos. */
const OMNIROUTE = "omniroute";

/** Asks a provider for its models, with the first of the keys that it lets in, and for its combos if it has any. */
export async function askProvider(
  provider: Pick<Provider, "id" | "baseUrl">,
  secrets: readonly string[],
  signal: AbortSignal,
): Promise<ProviderAnswer> {
  const { answer, secret } = await askWithKeys(`${provider.baseUrl}/models`, secrets, signal);
  if (answer.kind === "failed") return { kind: "failed", message: answer.message };
  const models = readModelList(answer.value);
  if (models === undefined || models.length === 0) return { kind: "failed", message: "it lists no models" };
  const hasCombos = provider.id === OMNIROUTE || models.some((model) => model.isCombo);
  const combos = hasCombos ? await askCombos(provider.baseUrl, secret, signal) : [];
  return { kind: "list", list: { models, combos } };
}

async function askWithKeys(
  url: string,
  secrets: readonly string[],
  signal: AbortSignal,
): Promise<{ answer: Answer; secret: string | undefined }> {
  const [first, ...others] = secrets.slice(0, MAX_KEYS);
  let secret = first;
  let answer = await getJson({ url, secret, signal });
  for (const next of others) {
    if (answer.kind !== "failed" || (answer.status !== 401 && answer.status !== 403)) break;
    secret = next;
    answer = await getJson({ url, secret, signal });
  }
  return { answer, secret };
}

/** They lie beside the API, and take a right that a key for chatting need not have: without them it goes on as well. */
async function askCombos(baseUrl: string, secret: string | undefined, signal: AbortSignal) {
  const url = `${baseUrl.replace(/\/v1$/, "")}/api/combos`;
  const answer = await getJson({ url, secret, signal });
  return answer.kind === "failed" ? [] : (readCombos(answer.value) ?? []);
}
