import { benchRequest, type RequestForm, type RunFigures, RunMeter } from "../core/bench/meter.ts";
import { wireModelId } from "../core/catalog/model-kinds.ts";
import type { Key } from "../core/key.ts";
import type { ModelRef } from "../core/model-ref.ts";
import { ownWords, type ProviderWords, providerWords } from "../core/scrub.ts";
import type { Provider } from "../core/settings/provider.ts";
import { classify } from "../core/verdict/classify.ts";
import type { UserRule } from "../core/verdict/error-rule.ts";
import { classifyFailure, ownVerdict } from "../core/verdict/failure.ts";
import type { Verdict } from "../core/verdict/verdict.ts";

/** The reason of a refusal is at the beginning of its body. */
const HEAD_BYTES = 64 * 1024;

export class HeadText {
  readonly #parts: Uint8Array[] = [];
  #bytes = 0;

  add(chunk: Uint8Array): boolean {
    if (this.#bytes < HEAD_BYTES) this.#parts.push(chunk);
    this.#bytes += chunk.length;
    return this.#bytes < HEAD_BYTES;
  }

  text(): string {
    return new TextDecoder().decode(Buffer.concat(this.#parts).subarray(0, HEAD_BYTES));
  }
}

export async function readHead(response: Response): Promise<string> {
  const head = new HeadText();
  try {
    for await (const chunk of response.body ?? []) {
      if (!head.add(chunk)) break;
    }
  } catch {
    // A body that breaks off still has its beginning, and the status.
  }
  return head.text();
}

export interface RunLimits {
  firstTokenMs: number;
  stallMs: number;
  /** A slow model is stopped here; what arrived until then is measured. */
  totalMs: number;
}

export type WatchEnd = "silent" | "stalled" | "over" | "left";

export class RunWatch {
  end: WatchEnd | undefined;
  readonly #limits: RunLimits;
  readonly #controller = new AbortController();
  readonly #leave = (): void => this.#stopFor("left");
  readonly #outer: AbortSignal;
  readonly #total: ReturnType<typeof setTimeout>;
  #silence: ReturnType<typeof setTimeout>;

  constructor(limits: RunLimits, outer: AbortSignal) {
    this.#limits = limits;
    this.#outer = outer;
    this.#total = setTimeout(() => this.#stopFor("over"), limits.totalMs);
    this.#silence = setTimeout(() => this.#stopFor("silent"), limits.firstTokenMs);
    outer.addEventListener("abort", this.#leave, { once: true });
    if (outer.aborted) this.#leave();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  progressed(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#stopFor("stalled"), this.#limits.stallMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#total);
    clearTimeout(this.#silence);
    this.#outer.removeEventListener("abort", this.#leave);
    // Do not read the rest of the answer.
    this.#controller.abort();
  }

  #stopFor(end: WatchEnd): void {
    this.end ??= end;
    this.#controller.abort();
  }
}

/** Injected, so that a benchmark sends requests exactly as the router does. */
export type Send = (call: {
  url: string;
  method: string;
  headers: Headers;
  secret: string;
  body: Uint8Array<ArrayBuffer>;
  signal: AbortSignal;
}) => Promise<Response>;

export interface RunOptions {
  provider: Provider;
  key: Key;
  ref: ModelRef;
  form: RequestForm;
  /** Makes each prompt unique, so that no cache answers it. */
  mark: string;
  limits: RunLimits;
  rules: readonly UserRule[];
  send: Send;
  /** A monotonic clock. */
  elapsedMs: () => number;
  signal: AbortSignal;
  onToken: (soFar: { firstTokenMs: number | undefined; tokens: number }) => void;
}

export type RunOutcome =
  | { kind: "measured"; figures: RunFigures }
  | { kind: "refused"; verdict: Verdict }
  | { kind: "stopped" };

/** Goes straight to the provider, without our proxy. */
export async function measureRun(options: RunOptions): Promise<RunOutcome> {
  const { provider, key, ref, form, mark, elapsedMs } = options;
  const { endpoint, body } = benchRequest(provider.api, wireModelId(ref.model, provider.baseUrl), {
    form,
    mark,
  });
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  using watch = new RunWatch(options.limits, options.signal);
  const run = { options, watch, endpoint, meter: new RunMeter(provider.api, elapsedMs()) };
  let failure: unknown;
  try {
    const response = await options.send({
      url: `${provider.baseUrl}/${endpoint}`,
      method: "POST",
      headers: new Headers({ accept: "text/event-stream", "content-type": "application/json" }),
      secret: key.secret,
      body: bytes,
      signal: watch.signal,
    });
    const flaw = await readAnswer(response, run);
    if (flaw !== undefined && watch.end !== "left") return { kind: "refused", verdict: flaw };
  } catch (cause) {
    failure = cause;
  }
  return outcomeOf(run, failure);
}

interface Run {
  options: RunOptions;
  watch: RunWatch;
  endpoint: string;
  meter: RunMeter;
}

/** Undefined if a valid answer was read to its end. */
async function readAnswer(response: Response, run: Run): Promise<Verdict | undefined> {
  const { status, headers } = response;
  if (status >= 300 && status < 400)
    return ownVerdict.redirect(status, headers.get("location"), [run.options.key.secret]);
  if (status >= 400) return judge(response, run, await readHead(response)) ?? ownVerdict.unexplained(status);
  const head = await readStream(response, run);
  const { meter } = run;
  if (meter.error !== undefined)
    return (
      judge(response, run, meter.error) ??
      ownVerdict.badStream(providerWords(meter.error, [run.options.key.secret]))
    );
  if (meter.firstTokenMs !== undefined) return undefined;
  return judge(response, run, head) ?? ownVerdict.badStream(emptyWords(head));
}

/** Returns the text before the first token: if there is no token, it says why. */
async function readStream(response: Response, { meter, watch, options }: Run): Promise<string> {
  const head = new HeadText();
  for await (const chunk of response.body ?? []) {
    if (meter.firstTokenMs === undefined) head.add(chunk);
    if (meter.push(chunk, options.elapsedMs())) {
      watch.progressed();
      options.onToken({ firstTokenMs: meter.firstTokenMs, tokens: meter.roughTokens });
    }
    if (meter.error !== undefined || meter.isDone) break;
  }
  meter.end(options.elapsedMs());
  return head.text();
}

function judge({ status, headers }: Response, { options, endpoint }: Run, body: string): Verdict | undefined {
  const { provider, key, rules } = options;
  return classify(
    {
      provider: provider.id,
      path: `/${endpoint}`,
      status,
      headers,
      body,
      expectsAnswer: true,
      isWhole: true,
    },
    { userRules: rules, secrets: [key.secret], nowMs: Date.now() },
  );
}

function emptyWords(text: string): ProviderWords {
  return text.trimStart().startsWith("{")
    ? ownWords("the answer came in one piece, not as a stream")
    : ownWords("the answer held no text");
}

/** The result of a run that was read to its end, or broke off. */
function outcomeOf({ watch, meter }: Run, failure: unknown): RunOutcome {
  if (watch.end === "left") return { kind: "stopped" };
  const figures = meter.figures();
  // The time limit ends a slow answer, not a bad one; and a complete answer does not need a clean end of its
  // connection.
  if (figures !== undefined && (meter.isFinished || watch.end === "over"))
    return { kind: "measured", figures };
  return { kind: "refused", verdict: brokenVerdict(watch, failure) };
}

function brokenVerdict({ end }: RunWatch, failure: unknown): Verdict {
  if (end === "silent" || end === "over") return ownVerdict.silent();
  if (end === "stalled") return ownVerdict.broken("stall", ownWords("the answer stalled"));
  if (failure !== undefined) return classifyFailure(failure);
  return ownVerdict.broken("reset", ownWords("the answer ended before its end mark"));
}
