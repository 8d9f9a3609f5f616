import { FETCH_POLICIES } from "../../catalog/cache.ts";
import { askProvider } from "../../catalog/model-lists.ts";
import { askSure, listenForInterruption } from "../../cli/ask.ts";
import { type Column, outputLook, type TableLook, tableText } from "../../cli/table.ts";
import { out, outJson, say } from "../../cli/talk.ts";
import { isChatModel } from "../../core/catalog/model-kinds.ts";
import { plainQuestion } from "../../core/dialect/hub-request.ts";
import { dialectSpec } from "../../core/dialect/registry.ts";
import { type Key, keyTitle } from "../../core/key.ts";
import { EXIT } from "../../core/problem.ts";
import { namedModels } from "../../core/routing/targets.ts";
import { findPreset } from "../../core/settings/presets.ts";
import type { Provider } from "../../core/settings/provider.ts";
import { providerOf } from "../../core/settings/settings.ts";
import { counted } from "../../core/text.ts";
import { classify } from "../../core/verdict/classify.ts";
import type { UserRule } from "../../core/verdict/error-rule.ts";
import { classifyFailure } from "../../core/verdict/failure.ts";
import { type VerdictKind, verdictWords } from "../../core/verdict/verdict.ts";
import { readHead } from "../../proxy/read-reply.ts";
import { send } from "../../proxy/transport.ts";
import { keepLoopbackDirect, openCatalog } from "../catalog.ts";
import type { CommandContext } from "../context.ts";

/** A chat model from the provider's list, to test a key with. */
export async function listedModel(
  provider: Provider,
  key: Key,
  signal: AbortSignal,
): Promise<string | undefined> {
  const answer = await askProvider(provider, [key.secret], signal);
  const models = answer.kind === "list" ? answer.list.models : [];
  return models.find(({ id }) => isChatModel(id))?.id;
}

export type KeyTrial =
  | { kind: "ok" }
  /** The service answered, but it may answer anyone. */
  | { kind: "unproven" }
  /** `verdict` is undefined if no rule matches the response. */
  | { kind: "refused"; verdict: VerdictKind | undefined; status: number; message: string };

export interface TrialOptions {
  rules: readonly UserRule[];
  nowMs: number;
  isListOpen: (provider: Provider) => Promise<boolean>;
  signal: AbortSignal;
}

/** A list of hundreds of models need not be read to its end. */
const BODY_BYTES = 64 * 1024;

/** A public list of models says nothing about a key, so these providers are asked for a completion. */
const CHAT_MODELS: Readonly<Record<string, string>> = {
  "ollama-cloud": "gpt-oss:20b",
  nvidia: "meta/llama-3.1-8b-instruct",
};

/** Uses the cheapest request that can tell whether the key works. */
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

/** Services retire models, also the ones named here, so fall back to a listed one. */
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

/** If the list of models is missing or public, ask one model instead. */
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
  // A placeholder key has nothing to prove.
  if (key.source === "embedded" || !(await options.isListOpen(provider))) return list;
  // A known service may list first what only some plans include, or what costs money.
  const isOwn = findPreset(provider.id) === undefined;
  const model = named ?? (isOwn ? await listedModel(provider, key, options.signal) : undefined);
  return model === undefined ? { kind: "unproven" } : tryModel(provider, key, model, options);
}

/** The model to ask if a list would prove nothing. */
function chatModel(provider: Provider): string | undefined {
  if (!Object.hasOwn(CHAT_MODELS, provider.id)) return undefined;
  return provider.models[0] ?? CHAT_MODELS[provider.id];
}

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
  const { path, leastOutput, writeRequest } = dialectSpec(provider.api);
  const request = { path, body: writeRequest(plainQuestion(model, text, leastOutput), []) };
  const trial = await call(provider, key, { method: "POST", ...request }, options);
  // A service that rejects the request itself has accepted the key.
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
    auth: provider.auth,
    dialect: provider.api,
    body: request.body === undefined ? undefined : new TextEncoder().encode(JSON.stringify(request.body)),
    signal: options.signal,
  });
  const { status, headers } = response;
  const body = await readHead(response.body?.getReader(), BODY_BYTES);
  // A body cut short by the timeout is not an answer.
  options.signal.throwIfAborted();
  if (status >= 300 && status < 400) {
    const message = "The service redirects, and a key is only sent to its own address: check base_url.";
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
  const verdict = classify(reply, {
    userRules: options.rules,
    secrets: [key.secret],
    nowMs: options.nowMs,
  });
  if (verdict === undefined) return { kind: "ok" };
  return { kind: "refused", verdict: verdict.kind, status: verdict.status, message: verdict.message };
}

/** The models that chains and fallbacks name, or all that the provider lists. */
export const MODEL_CHOICES = ["chains", "all"] as const;
export type ModelChoice = (typeof MODEL_CHOICES)[number];

export interface ModelTrial {
  key: Key;
  provider: Provider;
  model: string;
}

export interface TriedModel extends ModelTrial {
  trial: KeyTrial | undefined;
}

/** Two at a time do not look like a flood to a rate limiter. */
const AT_A_TIME = 2;

/** Long enough for a model that has to be loaded first. */
const MODEL_MS = 30_000;

export async function planTrials(
  context: CommandContext,
  keys: readonly Key[],
  { choice, limit }: { choice: ModelChoice; limit: number },
): Promise<{ trials: ModelTrial[]; cut: number }> {
  const lists = new Map<string, Promise<string[]>>();
  const trials: ModelTrial[] = [];
  let cut = 0;
  for (const key of keys) {
    const provider = providerOf(context.settings, key.provider);
    if (provider === undefined) continue;
    const list = lists.get(provider.id) ?? modelsFor(context, provider, choice);
    lists.set(provider.id, list);
    const models = await list;
    cut += Math.max(0, models.length - limit);
    trials.push(...models.slice(0, limit).map((model) => ({ key, provider, model })));
  }
  return { trials, cut };
}

async function modelsFor(
  context: CommandContext,
  provider: Provider,
  choice: ModelChoice,
): Promise<string[]> {
  if (choice === "chains") {
    const named = namedModels(context.settings).filter((ref) => ref.provider === provider.id);
    return [...new Set(named.map(({ model }) => model))];
  }
  const { catalog } = await openCatalog(context, FETCH_POLICIES.list, provider);
  return catalog.modelsOf(provider.id).map(({ id }) => id);
}

export interface TrialRun extends Omit<TrialOptions, "signal"> {
  /** Ends all trials; those under way count as not tried. */
  signal: AbortSignal;
  onDone: (done: number) => void;
}

export async function tryModels(trials: readonly ModelTrial[], run: TrialRun): Promise<TriedModel[]> {
  const results = new Map<ModelTrial, KeyTrial>();
  const work = async (queue: ModelTrial[]): Promise<void> => {
    for (let next = queue.shift(); next !== undefined && !run.signal.aborted; next = queue.shift()) {
      const signal = AbortSignal.any([run.signal, AbortSignal.timeout(MODEL_MS)]);
      const trial = await tryModel(next.provider, next.key, next.model, { ...run, signal });
      if (run.signal.aborted) return;
      results.set(next, trial);
      run.onDone(results.size);
    }
  };
  const byKey = Map.groupBy(trials, ({ key }) => key);
  await Promise.all(
    [...byKey.values()].flatMap((own) => {
      const queue = [...own];
      return Array.from({ length: AT_A_TIME }, () => work(queue));
    }),
  );
  return trials.map((one) => ({ ...one, trial: results.get(one) }));
}

export interface ModelTestOptions {
  choice: ModelChoice;
  limit: number;
  isSure: boolean;
  asJson: boolean;
}

/** Asks each model once, for one token, to find out which models the keys can use. */
export async function testModels(
  context: CommandContext,
  keys: readonly Key[],
  options: ModelTestOptions,
): Promise<number> {
  keepLoopbackDirect(process.env);
  const { trials, cut } = await planTrials(context, keys, options);
  if (cut > 0) say(`More than ${options.limit} models: ${cut} are left out; raise the number with --limit.`);
  if (trials.length === 0) {
    if (options.asJson) outJson({ models: [] });
    say(nothingToTry(options.choice));
    return EXIT.fine;
  }
  if (!options.isSure && !(await mayCost(trials.length))) {
    say("No request was sent.");
    return EXIT.failed;
  }
  using stop = listenForInterruption();
  const tried = await tryModels(trials, {
    rules: context.settings.rules,
    nowMs: Date.now(),
    isListOpen: async () => true,
    signal: stop.signal,
    onDone: (done) => showProgress(done, trials.length),
  });
  showProgress(undefined, trials.length);
  if (options.asJson) outJson({ models: tried.map(toJson) });
  else out(modelsText(tried, outputLook(context.settings.theme)));
  // A model outside the plan is a result; a rejected key is a failure.
  const isWrong = tried.some(({ trial }) => trial?.kind === "refused" && trial.verdict === "auth");
  return stop.signal.aborted || isWrong ? EXIT.failed : EXIT.fine;
}

async function mayCost(requests: number): Promise<boolean> {
  const cost = `${counted(requests, "request")}, each for an answer of one token`;
  return await askSure({
    question: `This needs ${cost}. Continue?`,
    call: "orouter keys test --models … --yes",
    unattended: `This needs ${cost}, so confirm it first.`,
    isLikely: true,
  });
}

/** One line that is overwritten, so only in a terminal. */
function showProgress(done: number | undefined, all: number): void {
  if (process.stderr.isTTY !== true) return;
  process.stderr.write(done === undefined ? "\r\x1b[K" : `\r\x1b[K${done} of ${all} asked`);
}

function nothingToTry(choice: ModelChoice): string {
  return choice === "chains"
    ? "No chain or fallback uses a model of these keys. Test all listed models: --models all"
    : "No models known for these keys. Name some under [providers.ID] models in config.toml.";
}

function modelsText(tried: readonly TriedModel[], look: TableLook): string {
  const columns: Column[] = [
    { title: "KEY", shrinks: true },
    { title: "MODEL", shrinks: true },
    { title: "RESULT", tone: (row) => (tried[row]?.trial?.kind === "refused" ? "bad" : "good") },
  ];
  const rows = tried.map(({ key, model, trial }) => [
    keyTitle(key),
    model,
    trial === undefined ? "not asked" : resultText(trial),
  ]);
  const byKey = Map.groupBy(tried, ({ key }) => keyTitle(key));
  const sums = [...byKey].map(([key, own]) => {
    const good = own.filter(({ trial }) => trial?.kind === "ok").length;
    return `${key}: ${good} of ${own.length} models answer.`;
  });
  return [tableText(columns, rows, look), "", ...sums].join("\n");
}

/** Shows our reason and the status only: the provider's own text would fill the screen. */
function resultText(trial: KeyTrial): string {
  if (trial.kind !== "refused") return "answers";
  const why = trial.verdict === undefined ? "no answer" : verdictWords(trial.verdict);
  return trial.status === 0 ? why : `${why} (${trial.status})`;
}

function toJson({ key, model, trial }: TriedModel) {
  const { provider, name, fingerprint } = key;
  const head = { provider, name, fingerprint, model: `${provider}/${model}` };
  if (trial === undefined) return { ...head, ok: null };
  if (trial.kind !== "refused") return { ...head, ok: true };
  const { verdict = null, status, message } = trial;
  return { ...head, ok: false, verdict, status, message };
}

/** A provider that lists its models to anyone proves nothing by its list. Asked once per provider. */
export function openListFinder(signal: AbortSignal): (provider: Provider) => Promise<boolean> {
  const answers = new Map<string, Promise<boolean>>();
  return (provider) => {
    const known = answers.get(provider.id) ?? opensToAnyone(provider.baseUrl, signal);
    answers.set(provider.id, known);
    return known;
  };
}

async function opensToAnyone(baseUrl: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(`${baseUrl}/models`, { redirect: "manual", signal });
    void response.body?.cancel().catch(() => {});
    return response.ok;
  } catch {
    // The same call has just succeeded with a key, so assume that the list needs one.
    return false;
  }
}

/** What a refusal means for the key under test. */
const MEANINGS: Record<VerdictKind, string> = {
  subscription: "the plan does not include the tested model",
  payment: "the account is out of credit, or a payment is due",
  quota: "its usage limit is reached",
  "rate-limit": "too many requests at the moment",
  concurrency: "too many parallel requests",
  auth: "wrong or expired",
  forbidden: "the provider does not allow it",
  "model-not-found": "no model to test it with",
  "path-not-found": "the provider has no such endpoint",
  overloaded: "the provider is overloaded",
  "server-error": "the provider cannot be asked",
  timeout: "the provider did not answer in time",
  reset: "the connection broke",
  silent: "the model stayed silent",
  overflow: "the provider refused the request",
  "output-limit": "the provider refused the request",
  unsupported: "the provider refused the request",
  "bad-request": "the provider refused the request",
  "content-policy": "the provider refused the request",
};

/** Puts the provider's own words last. */
export function refusalWords(trial: KeyTrial & { kind: "refused" }): string {
  const meaning = trial.verdict === undefined ? "no answer" : MEANINGS[trial.verdict];
  const status = trial.status === 0 ? "" : `${trial.status}, `;
  return `${meaning} (${status}${trial.message})`;
}

export interface KeyOutcome {
  kind: "works" | "refused" | "unclear";
  words: string;
}

/** Only these reject the key as such; the rest is about the moment, the plan or the model. */
const REFUSED = new Set<VerdictKind>(["auth", "forbidden"]);

/** A provider that reports a limit has accepted the key. */
const LET_IN = new Set<VerdictKind>(["subscription", "payment", "quota", "rate-limit", "concurrency"]);

/** Separates a key that does not work from one that could not be checked. */
export function keyOutcome(trial: KeyTrial): KeyOutcome {
  if (trial.kind === "ok") return { kind: "works", words: "works" };
  if (trial.kind === "unproven") {
    return { kind: "unclear", words: "unknown: this provider lists its models without a key" };
  }
  const words = refusalWords(trial);
  if (trial.verdict !== undefined && REFUSED.has(trial.verdict)) {
    return { kind: "refused", words: `rejected: ${words}` };
  }
  if (trial.verdict !== undefined && LET_IN.has(trial.verdict)) {
    return { kind: "works", words: `accepted, but ${words}` };
  }
  return { kind: "unclear", words: `unknown: ${words}` };
}

/** One line per trial: `ok`, or why not. */
export function trialWords(trial: KeyTrial, provider: string): string {
  if (trial.kind === "ok") return "ok";
  if (trial.kind === "unproven") {
    return `not refused, but anyone may see its models: name one under [providers.${provider}] models for a real test`;
  }
  return keyOutcome(trial).words;
}
