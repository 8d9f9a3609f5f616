import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { modelFor, modelNames, writeOrouterConfig } from "./agents.ts";
import type { Conversation, Progress } from "./conversation.ts";
import { between, pick, roll } from "./dice.ts";
import { Injector } from "./injector.ts";
import { record, records } from "./json.ts";
import type { Profile } from "./profiles.ts";
import { startProvider } from "./provider.ts";
import { startServe } from "./serve.ts";
import type { TaskStep } from "./task.ts";

/** Requests of a plain client, each of which knows what its answer must be. */
export interface ClientPlan {
  profileName: string;
  profile: Profile;
  seed: number;
  requests: number;
  atATime: number;
  orouter: string;
  folder: string;
}

export interface ClientResult {
  profile: string;
  atATime: number;
  requests: number;
  /** Answers that look whole and are not what they must be. */
  wrong: number;
  /** Requests without an answer, or with one that says that it is broken. */
  lost: number;
  p50Ms: number;
  p90Ms: number;
  p99Ms: number;
  callsRatio: number;
  /** What the first few bad answers were. */
  examples: string[];
}

const REQUEST_LIMIT_MS = 150_000;
const EXAMPLES = 5;

export async function runClient(plan: ClientPlan): Promise<ClientResult> {
  const { profile, profileName, requests, atATime } = plan;
  await using world = await startWorld(plan, join(plan.folder, `client-${profileName}-${atATime}`));
  const serve = await startServe(plan.orouter, world.home);
  const results: Told[] = [];
  await atOnce(requests, atATime, async (nth) => {
    results.push(await ask({ ...serve, ...world.question(nth) }));
  });
  await serve.stop();
  const bad = results
    .filter(({ outcome }) => outcome !== "right")
    .sort((a, b) => b.outcome.localeCompare(a.outcome));
  const times = results.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0;
  return {
    profile: `${profileName}, ${profile.keys} × ${profile.models}`,
    atATime,
    requests,
    wrong: bad.filter(({ outcome }) => outcome === "wrong").length,
    lost: bad.filter(({ outcome }) => outcome === "lost").length,
    p50Ms: at(0.5),
    p90Ms: at(0.9),
    p99Ms: at(0.99),
    callsRatio: world.calls() / requests,
    examples: bad.slice(0, EXAMPLES).map(({ nth, outcome, what }) => `request ${nth}: ${outcome}, ${what}`),
  };
}

/** A provider with a script for a number of requests, and a home that is configured for it. */
export interface ClientWorld extends AsyncDisposable {
  home: string;
  baseUrl: string;
  question: (nth: number) => Pick<Question, "model" | "nth" | "step">;
  /** Calls that the provider has got. */
  calls: () => number;
}

export async function startWorld(
  { profile, seed, requests }: Pick<ClientPlan, "profile" | "seed" | "requests">,
  home: string,
): Promise<ClientWorld> {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const models = modelNames(profile);
  const steps = Array.from({ length: requests }, (_, nth) => stepOf(seed, nth));
  const injector = new Injector({ profile, seed, script: { steps, progress: progressOfRequest }, models });
  let calls = 0;
  const provider = await startProvider({
    models,
    answer: (call) => {
      calls += 1;
      const { reply } = injector.answer(call);
      injector.notes.length = 0;
      return reply;
    },
    keepsCalls: false,
  });
  writeOrouterConfig(home, profile, provider.baseUrl);
  return {
    home,
    baseUrl: provider.baseUrl,
    question: (nth) => ({ model: modelFor(profile), nth, step: steps[nth] }),
    calls: () => calls,
    [Symbol.asyncDispose]: () => provider.stop(),
  };
}

/** Does something for each number from 0, so many at a time. */
export async function atOnce(
  count: number,
  atATime: number,
  work: (nth: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let nth = next++; nth < count; nth = next++) await work(nth);
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}

/** What request number `nth` is answered with. */
function stepOf(seed: number, nth: number): TaskStep {
  const words = Array.from({ length: between(5, 60, seed, "words", nth) }, (_, at) =>
    pick(["alpha", "βῆτα", "gamma", "дельта", "ε", "ζ\n", "「七」", "\\eight\\", '"nine"'], seed, nth, at),
  );
  const hasCall = roll(seed, "call", nth) < 0.3;
  return {
    thinking: roll(seed, "thinking", nth) < 0.2 ? `About request ${nth}.` : "",
    text: hasCall && roll(seed, "silent", nth) < 0.5 ? "" : `Answer ${nth}: ${words.join(" ")}`,
    uses: hasCall ? [{ tool: "shell", command: `echo ${nth} ${words.join(" ")}` }] : [],
  };
}

function progressOfRequest({ turns }: Conversation): Progress {
  const asked = turns.findLast(({ role }) => role === "user")?.text ?? "";
  return { step: Number(/request (\d+)/.exec(asked)?.[1] ?? 0), done: new Set(), problems: [] };
}

export interface Told {
  nth: number;
  outcome: "right" | "wrong" | "lost";
  what: string;
  ms: number;
}

interface Question {
  url: string;
  token: string;
  model: string;
  nth: number;
  step: TaskStep | undefined;
}

const SHELL_TOOL = {
  type: "function",
  function: {
    name: "bash",
    description: "Run a command",
    parameters: { type: "object", properties: { command: { type: "string" } }, required: ["command"] },
  },
};

/** One request, judged. */
export async function ask({ url, token, model, nth, step }: Question): Promise<Told> {
  const startMs = performance.now();
  const told = (outcome: Told["outcome"], what: string): Told => ({
    nth,
    outcome,
    what,
    ms: performance.now() - startMs,
  });
  try {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        "x-session-id": `client-${nth}`,
      },
      body: JSON.stringify({
        model,
        stream: true,
        messages: [{ role: "user", content: `This is request ${nth}.` }],
        tools: [SHELL_TOOL],
      }),
      signal: AbortSignal.timeout(REQUEST_LIMIT_MS),
    });
    const body = await response.text();
    if (!response.ok) return told("lost", `${response.status} ${body.slice(0, 300)}`);
    const got = readAnswer(body);
    if (got.error !== "") return told("lost", got.error);
    const expected = expectedAnswer(step);
    return got.answer === expected
      ? told("right", "")
      : told("wrong", `${got.answer} in place of ${expected}`);
  } catch (error) {
    return told("lost", error instanceof Error ? error.message : String(error));
  }
}

function expectedAnswer(step: TaskStep | undefined): string {
  const calls = (step?.uses ?? []).map((use) =>
    use.tool === "shell" ? ["bash", JSON.stringify({ command: use.command })] : [],
  );
  return JSON.stringify([step?.text ?? "", calls, calls.length > 0 ? ["tool_calls"] : ["stop"]]);
}

/** Text, calls and finishes of a stream in one comparable form, or why it is not an answer. */
export function readAnswer(body: string): { answer: string; error: string } {
  let text = "";
  const calls: string[][] = [];
  const finishes: unknown[] = [];
  const events = body
    .replaceAll("\r\n", "\n")
    .split("\n\n")
    .filter((event) => event.startsWith("data: "));
  if (events.at(-1) !== "data: [DONE]") return { answer: "", error: lastError(events) };
  for (const event of events.slice(0, -1)) {
    const data = record(JSON.parse(event.slice("data: ".length)));
    if (data["error"] !== undefined) return { answer: "", error: JSON.stringify(data["error"]) };
    const [choice = {}] = records(data["choices"]);
    const delta = record(choice["delta"]);
    if (typeof delta["content"] === "string") text += delta["content"];
    for (const call of records(delta["tool_calls"])) addCall(calls, call);
    if (choice["finish_reason"] != null) finishes.push(choice["finish_reason"]);
  }
  return { answer: JSON.stringify([text, calls, finishes]), error: "" };
}

function lastError(events: readonly string[]): string {
  return `the stream ends with ${events.at(-1)?.slice(0, 300) ?? "nothing"}`;
}

function addCall(calls: string[][], call: Record<string, unknown>): void {
  const index = Number(call["index"]);
  const fn = record(call["function"]);
  calls[index] ??= ["", ""];
  const [name = "", args = ""] = calls[index];
  calls[index] = [name + String(fn["name"] ?? ""), args + String(fn["arguments"] ?? "")];
}
