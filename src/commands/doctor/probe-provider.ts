import { readModelList } from "../../core/catalog/read-model-list.ts";
import type { Provider } from "../../core/settings/provider.ts";
import { classifyFailure } from "../../core/verdict/classify-failure.ts";
import { readHead } from "../../proxy/read-head.ts";
import { send } from "../../proxy/upstream.ts";

/** What a provider has said to one question for its models. */
export type Probe =
  | { kind: "answer"; status: number; models: readonly string[]; skewMs: number | undefined }
  /** No answer came. */
  | { kind: "none"; why: string };

/** The largest list there is has a few megabytes. */
const LIST_BYTES = 16 * 1024 * 1024;

/** Asks for the list of models: the cheapest question that shows whether address and key are good. */
export async function probeProvider(
  provider: Provider,
  secret: string,
  { timeoutMs, nowMs }: { timeoutMs: number; nowMs: () => number },
): Promise<Probe> {
  const signal = AbortSignal.timeout(timeoutMs);
  const sentMs = nowMs();
  try {
    const response = await send({
      url: `${provider.baseUrl}/models`,
      method: "GET",
      headers: new Headers({ accept: "application/json" }),
      secret,
      body: undefined,
      signal,
    });
    const skewMs = skewOf(response.headers, sentMs, nowMs());
    const text = await readHead(response.body?.getReader(), response.ok ? LIST_BYTES : 0);
    // A list that the clock has cut short is no list.
    signal.throwIfAborted();
    return { kind: "answer", status: response.status, models: response.ok ? modelsIn(text) : [], skewMs };
  } catch (cause) {
    return { kind: "none", why: classifyFailure(cause).message };
  }
}

/** How far the provider's clock is ahead of ours; undefined where its head says nothing of now. */
function skewOf(headers: Headers, sentMs: number, receivedMs: number): number | undefined {
  const date = Date.parse(headers.get("date") ?? "");
  // An answer out of a cache has the date of its making.
  if (Number.isNaN(date) || headers.has("age")) return undefined;
  return date - (sentMs + receivedMs) / 2;
}

function modelsIn(text: string): string[] {
  try {
    return (readModelList(JSON.parse(text)) ?? []).map((model) => model.id);
  } catch {
    return [];
  }
}
