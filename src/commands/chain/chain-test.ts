import { FETCH_POLICIES } from "../../catalog/cache.ts";
import { listenForInterruption } from "../../cli/ask.ts";
import type { Paint } from "../../cli/colour.ts";
import { type ArgDefs, type ArgsOf, defineCommand } from "../../cli/command.ts";
import { outputLook } from "../../cli/table.ts";
import { failureText, out, outJson, say, talk } from "../../cli/talk.ts";
import { hangingLines } from "../../cli/text.ts";
import type { Catalog } from "../../core/catalog/catalog.ts";
import { firstChoice, NOTHING } from "../../core/dialect/hub-answer.ts";
import { dialectSpec } from "../../core/dialect/registry.ts";
import { asObject, isObject, parseJson } from "../../core/json.ts";
import { CHAIN_PROVIDER, formatModelRef, parseModelRef } from "../../core/model-ref.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { type Cooldown, NEVER_MS } from "../../core/routing/cooldown.ts";
import type { Decision } from "../../core/routing/decide.ts";
import type { RequestRecord } from "../../core/routing/events.ts";
import { cooldownsOn } from "../../core/routing/lane.ts";
import type { Step } from "../../core/routing/next-step.ts";
import { readinessText } from "../../core/routing/readiness.ts";
import type { Session } from "../../core/routing/session.ts";
import { targetsOf } from "../../core/routing/targets.ts";
import { oneLine } from "../../core/scrub.ts";
import { createSseReader } from "../../core/stream/sse.ts";
import { formatClock, formatWait } from "../../core/text.ts";
import { type Verdict, verdictWords } from "../../core/verdict/verdict.ts";
import type { Attempt, RunContext } from "../../proxy/attempt.ts";
import { Router, type RouterOptions } from "../../proxy/router.ts";
import { openCatalog } from "../catalog.ts";
import { type CommandContext, readContext, requireKey } from "../context.ts";
import { attemptJson, spanText } from "../logs/log-text.ts";
import { type Routing, startRouting } from "../routing.ts";
import { keepState } from "../state.ts";
import { namedEntry } from "./chain-edits.ts";
import { type MemberView, viewModels } from "./chain-list.ts";

export interface TrialLook {
  width: number;
  paint: Paint;
  nowMs: number;
}

const MESSAGE_CHARS = 300;
const TEXT_CHARS = 200;
const CLOCK_FROM_MS = 60_000;
const INDENT = "     ";

export function hopLines(hop: Hop, number: number, look: TrialLook): string[] {
  const { paint, width, nowMs } = look;
  switch (hop.kind) {
    case "asked": {
      const front = `${String(number).padStart(3)}. `;
      return hangingLines(front, `${hop.model} with key ${hop.keyName}`, width);
    }
    case "refused": {
      const { verdict, cooldown, tookMs } = hop;
      const status = verdict.status === 0 ? "" : ` (${verdict.status})`;
      const parts = [
        `${verdictWords(verdict.kind)}${status} after ${spanText(tookMs)}`,
        ...(cooldown === undefined ? [] : [trialCooldownText(cooldown, nowMs)]),
      ];
      const words = verdict.message === "" ? "" : `: ${oneLine(verdict.message, MESSAGE_CHARS)}`;
      return hangingLines(INDENT, `${parts.join(", ")}${words}`, width).map(paint.warn);
    }
    case "answering":
      return [`${INDENT}${paint.good(`answers, first token after ${spanText(hop.tookMs)}`)}`];
  }
}

function trialCooldownText(cooldown: Cooldown, nowMs: number): string {
  if (cooldown.untilMs >= NEVER_MS) return "not used again until it is changed";
  const wait = `cools down for ${formatWait(cooldown.untilMs - nowMs)}`;
  // A clock time without seconds says nothing about a short cooldown.
  return cooldown.untilMs - nowMs < CLOCK_FROM_MS
    ? wait
    : `${wait}, until ${formatClock(cooldown.untilMs, nowMs)}`;
}

export function trialLines(
  name: string,
  { record, text, error }: Trial,
  { width, paint }: TrialLook,
): string[] {
  if (record?.outcome !== "served") {
    const head = paint.bad(`No model answered for ${name}.`);
    return [head, ...reportLines(error ?? "", width)];
  }
  const { served = name, keyName = "", firstTokenMs = 0, durationMs, attempts } = record;
  const tries = attempts.length === 1 ? "on the first attempt" : `on attempt ${attempts.length}`;
  const answer = `${served} answered for ${name} with key ${keyName}, ${tries}.`;
  const times = `First token after ${spanText(firstTokenMs)}, all of it after ${spanText(durationMs)}.`;
  const said = oneLine(text, TEXT_CHARS);
  return [
    ...hangingLines("", answer, width).map(paint.good),
    times,
    ...(said === "" ? ["It answered with reasoning only."] : hangingLines("It said: ", said, width)),
  ];
}

/** The report has its own line breaks and indents. */
function reportLines(report: string, width: number): string[] {
  return report.split("\n").flatMap((line) => {
    const [indent = ""] = /^ */.exec(line) ?? [];
    return line.trim() === "" ? [] : hangingLines(indent, line.trim(), width);
  });
}

export type Hop =
  | { kind: "asked"; model: string; keyName: string }
  | { kind: "refused"; verdict: Verdict; cooldown: Cooldown | undefined; tookMs: number }
  | { kind: "answering"; tookMs: number };

export class ToldRouter extends Router {
  readonly #tell: (hop: Hop) => void;

  constructor(options: RouterOptions, tell: (hop: Hop) => void) {
    super(options);
    this.#tell = tell;
  }

  override begin(step: Extract<Step, { kind: "attempt" }>): Attempt {
    this.#tell({ kind: "asked", model: formatModelRef(step.ref), keyName: step.key.name });
    return super.begin(step);
  }

  override succeed(attempt: Attempt, session: Session): void {
    super.succeed(attempt, session);
    this.#tell({ kind: "answering", tookMs: this.env.now() - attempt.startedMs });
  }

  override fail(attempt: Attempt, said: Verdict, context: RunContext): Decision {
    const decision = super.fail(attempt, said, context);
    const nowMs = this.env.now();
    const [cooldown] = cooldownsOn(attempt.key, attempt.ref, this.cooldowns)
      .filter((one) => one.untilMs > nowMs)
      .toSorted((a, b) => b.untilMs - a.untilMs);
    this.#tell({ kind: "refused", verdict: said, cooldown, tookMs: nowMs - attempt.startedMs });
    return decision;
  }
}

export interface TryOptions {
  context: CommandContext;
  catalog: Catalog;
  asked: string;
  onHop: (hop: Hop) => void;
  signal: AbortSignal;
}

export interface Trial {
  /** Undefined if the request ended before it was recorded. */
  record: RequestRecord | undefined;
  text: string;
  error: string | undefined;
}

/** Leaves room for reasoning before the one-word answer. */
const MAX_TOKENS = 256;
const PROMPT = "Reply with the single word OK.";

export async function tryRequest({ context, catalog, asked, onHop, signal }: TryOptions): Promise<Trial> {
  const { settings, keys, paths } = context;
  const bugs: unknown[] = [];
  const routing = startRouting({
    settings,
    keys,
    catalog,
    makeRouter: (options) => new ToldRouter(options, onHop),
    onBug: (error) => bugs.push(error),
  });
  const { promise: finished, resolve } = Promise.withResolvers<RequestRecord>();
  routing.router.subscribe((event) => {
    if (event.kind === "finished") resolve(event.record);
  });
  const forget = await keepState({
    paths,
    settings,
    router: routing.router,
    onTrouble: (problem) => say(failureText(problem)),
  });
  try {
    const reply = await send(routing, asked, signal);
    if (bugs.length > 0) throw bugs[0];
    return { ...reply, record: await finished };
  } catch (error) {
    if (signal.aborted) throw stopped();
    throw error;
  } finally {
    await routing.proxy.stop();
    await forget();
  }
}

async function send(
  { proxy, token }: Routing,
  model: string,
  signal: AbortSignal,
): Promise<Pick<Trial, "text" | "error">> {
  const response = await fetch(`${proxy.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({
      model,
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: MAX_TOKENS,
      messages: [{ role: "user", content: PROMPT }],
    }),
    signal,
  });
  if (response.ok) return readAnswer(response);
  return { text: "", error: errorText(await response.text()) };
}

async function readAnswer(response: Response): Promise<Pick<Trial, "text" | "error">> {
  const reader = createSseReader();
  const events = dialectSpec("chat").reader();
  let text = "";
  let error: string | undefined;
  for await (const chunk of response.body ?? []) {
    for (const { event } of reader.push(chunk)) {
      const json = parseJson(event?.data ?? "");
      const said = isObject(json) ? events.read(json) : NOTHING;
      text += firstChoice(said).text;
      error ??= said.error === undefined ? undefined : errorText(JSON.stringify(said.error));
    }
  }
  return { text, error };
}

function errorText(body: string): string {
  const { message } = asObject(asObject(parseJson(body))["error"]);
  return typeof message === "string" ? message : body;
}

function stopped(): Problem {
  return new Problem({ code: "interrupted", what: "The test was interrupted before an answer arrived." });
}

const CHAIN_TEST_ARGS = {
  name: {
    type: "positional",
    valueHint: "CHAIN|MODEL",
    description: "Name the chain or model to send it to",
    offers: { names: ["chains", "models"] },
  },
  json: { type: "boolean", description: 'Print {"asked","answered","model","key","attempts",…}' },
} satisfies ArgDefs;

export const chainTestCommand = defineCommand({
  name: "test",
  about: "Send one request and show the route; exit 1 if none answers",
  examples: [
    { line: "orouter chain test coding", does: "through a chain" },
    { line: "orouter chain test ollama-cloud/gpt-oss:120b --json", does: "a single model, for scripts" },
  ],
  args: CHAIN_TEST_ARGS,
  run: test,
  children: {},
});

async function test(args: ArgsOf<typeof CHAIN_TEST_ARGS>): Promise<number> {
  const context = await readContext();
  const { catalog } = await openCatalog(context, FETCH_POLICIES.info);
  const { entry, notes } = namedEntry(args.name, context, catalog);
  for (const note of notes) talk.warn(note);
  if (args.json !== true) return (await showTrial(entry, context, catalog)) ? EXIT.fine : EXIT.failed;
  const trial = await runTrial(entry, { context, catalog, onHop: () => {} });
  outJson(trialJson(clientName(entry), trial));
  return trial.record?.outcome === "served" ? EXIT.fine : EXIT.failed;
}

export async function showTrial(entry: string, context: CommandContext, catalog: Catalog): Promise<boolean> {
  const look = outputLook(context.settings.theme);
  const lookNow = (): TrialLook => ({ ...look, nowMs: Date.now() });
  const targets = targetsOf(
    parseModelRef(clientName(entry)) ?? { provider: CHAIN_PROVIDER, model: entry },
    context.settings,
  );
  const members = await viewModels(targets.map(formatModelRef), context, catalog);
  for (const line of members.flatMap((member) => cooldownText(member, Date.now()))) say(line);
  let asked = 0;
  const trial = await runTrial(entry, {
    context,
    catalog,
    onHop: (hop) => {
      if (hop.kind === "asked") asked++;
      for (const line of hopLines(hop, asked, lookNow())) out(line);
    },
  });
  for (const line of trialLines(entry, trial, lookNow())) out(line);
  return trial.record?.outcome === "served";
}

/** Cooldowns set by other runs apply here too. */
function cooldownText({ model, readiness, keys, ready }: MemberView, nowMs: number): string[] {
  if (readiness.kind !== "ready") return [`Skipped: ${model}, ${readinessText(readiness, nowMs)}`];
  if (ready === keys) return [];
  return [`${keys - ready} of ${keys} keys are skipped for ${model}: they are cooling down`];
}

async function runTrial(entry: string, options: Omit<TryOptions, "asked" | "signal">): Promise<Trial> {
  requireKey(options.context.keys);
  using stop = listenForInterruption();
  return await tryRequest({ ...options, asked: clientName(entry), signal: stop.signal });
}

/** Clients see a chain as a model of the provider `orouter`. */
function clientName(entry: string): string {
  return parseModelRef(entry) === undefined ? `${CHAIN_PROVIDER}/${entry}` : entry;
}

/** Scripts rely on these names, which match `logs --json` for attempts. Missing values are null. */
function trialJson(asked: string, { record, text, error }: Trial) {
  const isAnswered = record?.outcome === "served";
  return {
    asked,
    answered: isAnswered,
    model: record?.served ?? null,
    key: record?.keyName ?? null,
    firstTokenMs: record?.firstTokenMs ?? null,
    durationMs: record?.durationMs ?? null,
    text: isAnswered ? text : null,
    error: error ?? null,
    attempts: (record?.attempts ?? []).map(attemptJson),
  };
}
