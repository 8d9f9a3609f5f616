import type { Key } from "../../../core/key.ts";
import { oneLine, redact } from "../../../core/redact.ts";
import { findPreset } from "../../../core/settings/presets.ts";
import type { Provider } from "../../../core/settings/provider.ts";
import { classify } from "../../../core/verdict/classify.ts";
import type { UserRule } from "../../../core/verdict/error-rule.ts";
import { classifyFailure } from "../../../core/verdict/failure.ts";
import type { VerdictKind } from "../../../core/verdict/verdict.ts";
import { readHead } from "../../../proxy/read-head.ts";
import { send } from "../../../proxy/upstream.ts";
import { listedModel } from "./listed-model.ts";

/** What one cheap call has shown of a key. */
export type KeyTrial =
  | { kind: "ok" }
  /** The service answered, as it would have answered anyone. */
  | { kind: "unproven" }
  /** `verdict` is undefined where the service did something that no rule is about. */
  | { kind: "refused"; verdict: VerdictKind | undefined; status: number; message: string };

export interface TrialOptions {
  rules: readonly UserRule[];
  nowMs: number;
  isListOpen: (provider: Provider) => Promise<boolean>;
  /** Ends the trial, however far it is. */
  signal: AbortSignal;
}

/** A list of hundreds of models need not be read to its end. */
const BODY_BYTES = 64 * 1024;
const MESSAGE_CHARS = 200;

/** Lists that are open to anyone say nothing about a key: there only an answer of a model does. */
const CHAT_MODELS: Readonly<Record<string, string>> = {
  "ollama-cloud": "gpt-oss:20b",
  nvidia: "meta/llama-3.1-8b-instruct",
};

/** Some dialects refuse a smaller answer. */
const RESPONSES_TOKENS = 16;

/** Tries a key with the cheapest call that can tell whether it is good. */
export async function testKey(provider: Provider, key: Key, options: TrialOptions): Promise<KeyTrial> {
  try {
    const model = chatModel(provider);
    if (model !== undefined) return await tryChatModel(provider, key, model, options);
    const list = await call(provider, key, { method: "GET", path: "models" }, options);
    return await beyondTheList(list, provider, key, options);
  } catch (cause) {
    const { kind, message } = classifyFailure(cause);
    return { kind: "refused", verdict: kind, status: 0, message };
  }
}

/** Services retire models, also those that are named here: then one that is listed does as well. */
async function tryChatModel(
  provider: Provider,
  key: Key,
  model: string,
  options: TrialOptions,
): Promise<KeyTrial> {
  const trial = await tryModel(provider, key, model, options);
  const isGone = trial.kind === "refused" && trial.verdict === "model-not-found";
  if (!isGone || provider.models.length > 0) return trial;
  const other = await listedModel(provider, key, options.signal);
  return other === undefined ? trial : tryModel(provider, key, other, options);
}

/** Where the list of models is not there, or there for everyone, one of the models tells more. */
async function beyondTheList(
  list: KeyTrial,
  provider: Provider,
  key: Key,
  options: TrialOptions,
): Promise<KeyTrial> {
  const [named] = provider.models;
  if (list.kind === "refused") {
    const hasNoList = list.status === 404 || list.status === 405;
    return hasNoList && named !== undefined ? tryModel(provider, key, named, options) : list;
  }
  // What stands in for a key has nothing to prove.
  if (key.source === "embedded" || !(await options.isListOpen(provider))) return list;
  // A service that is known by name may list first what only some plans have, or what costs money.
  const isOwn = findPreset(provider.id) === undefined;
  const model = named ?? (isOwn ? await listedModel(provider, key, options.signal) : undefined);
  return model === undefined ? { kind: "unproven" } : tryModel(provider, key, model, options);
}

/** The model to ask where a list would prove nothing. */
function chatModel(provider: Provider): string | undefined {
  if (!Object.hasOwn(CHAT_MODELS, provider.id)) return undefined;
  return provider.models[0] ?? CHAT_MODELS[provider.id];
}

/** Asks one model for one token with a key. */
export async function tryModel(
  provider: Provider,
  key: Key,
  model: string,
  options: TrialOptions,
): Promise<KeyTrial> {
  try {
    return await askModel(provider, key, model, options);
  } catch (cause) {
    const { kind, message } = classifyFailure(cause);
    return { kind: "refused", verdict: kind, status: 0, message };
  }
}

async function askModel(
  provider: Provider,
  key: Key,
  model: string,
  options: TrialOptions,
): Promise<KeyTrial> {
  const text = "Say ok.";
  const request =
    provider.api === "chat"
      ? {
          path: "chat/completions",
          body: { model, messages: [{ role: "user", content: text }], max_tokens: 1 },
        }
      : { path: "responses", body: { model, input: text, max_output_tokens: RESPONSES_TOKENS } };
  const trial = await call(provider, key, { method: "POST", ...request }, options);
  // A service that finds fault with the question has let the key in.
  if (trial.kind === "refused" && trial.verdict === "bad-request") return { kind: "ok" };
  if (trial.kind !== "refused" || trial.verdict !== "model-not-found") return trial;
  return { ...trial, message: `${model}: ${trial.message}` };
}

interface Request {
  method: string;
  path: string;
  body?: object;
}

async function call(
  provider: Provider,
  key: Key,
  request: Request,
  options: TrialOptions,
): Promise<KeyTrial> {
  const response = await send({
    url: `${provider.baseUrl}/${request.path}`,
    method: request.method,
    headers: new Headers({ accept: "application/json", "content-type": "application/json" }),
    secret: key.secret,
    body: request.body === undefined ? undefined : new TextEncoder().encode(JSON.stringify(request.body)),
    signal: options.signal,
  });
  const { status, headers } = response;
  const body = await readHead(response.body?.getReader(), BODY_BYTES);
  // A body that the clock has cut short is no answer.
  options.signal.throwIfAborted();
  if (status >= 300 && status < 400) {
    const message = "The service sends elsewhere, and a key is for its own address only: check base_url.";
    return { kind: "refused", verdict: undefined, status, message };
  }
  const isWhole = Buffer.byteLength(body) < BODY_BYTES;
  const reply = {
    provider: provider.id,
    status,
    headers,
    body,
    path: `/${request.path}`,
    expectsAnswer: true,
    isWhole,
  };
  const verdict = classify(reply, { userRules: options.rules, nowMs: options.nowMs });
  if (verdict === undefined) return { kind: "ok" };
  const message = oneLine(redact(verdict.message, [key.secret]), MESSAGE_CHARS);
  return { kind: "refused", verdict: verdict.kind, status: verdict.status, message };
}
