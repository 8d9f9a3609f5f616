import { SMALL_CONTEXT } from "./agents.ts";
import type { Answer } from "./answer.ts";
import { type Conversation, callId, type Progress, SUMMARY_MARK } from "./conversation.ts";
import { between, pick, roll } from "./dice.ts";
import { DEAD, faultReply, LIMITS, tornReply } from "./faults.ts";
import type { Prefill, Profile } from "./profiles.ts";
import { type Exchange, goodReply, jsonReply, type Reply, wholeReply } from "./reply.ts";
import { OPENINGS, type TaskStep, type ToolUse } from "./task.ts";

/** A call as it came in. */
export interface Incoming {
  secret: string;
  conversation: Conversation;
  atMs: number;
}

/** What became of a call, for the judge and for the log. */
export interface CallNote {
  atMs: number;
  /** A step of the task, or a title or summary beside it. */
  purpose: "step" | "title" | "summary";
  step: number;
  key: number;
  model: number;
  label: string;
  kind: Reply["kind"];
  /** The lane had refused before, for good or for a time it named. */
  asked: "" | "dead" | "limited";
  problems: string[];
}

/** A fault is drawn at most so often for one step on one lane, and in all: what makes a session solvable. */
const MOST_PER_LANE = 3;
const MOST_PER_STEP = 5;
/** A call that was under way when its lane refused another is no mistake. */
const UNDER_WAY_MS = 250;

/** The step that a filter refuses, and the first one that is too long for a small window. */
const FILTERED_STEP = 2;
const FULL_STEP = 3;

interface Lane {
  key: number;
  model: number;
  /** Calls at each step so far. */
  tries: Map<number, number>;
  faults: Map<number, number>;
  limit?: { index: number; sinceMs: number; untilMs: number };
  refusedAtMs?: number;
}

interface Outage {
  step: number;
  ms: number;
  how: "reset" | "503" | "hang" | "page";
  untilMs?: number;
}

/** What the scripted model does, and how it knows where it is. */
interface Script {
  steps: readonly TaskStep[];
  progress: (conversation: Conversation) => Progress;
}

export interface InjectorOptions {
  profile: Profile;
  seed: number;
  script: Script;
  models: readonly string[];
}

/**
 * Decides what each call of one session gets. A decision hangs on the seed, the step, the lane and how often that
 * lane was asked at this step. Keys are counted in the order in which they come, so that one seed means the same
 * whichever key a router begins with. Only outages and limits hold for a time on the clock.
 */
export class Injector {
  readonly notes: CallNote[] = [];
  #keys: string[] = [];
  #lanes = new Map<string, Lane>();
  #faultsOfStep = new Map<number, number>();
  #outages: Outage[];
  #living: { key: number; model: number };
  #calls = 0;
  #tornCalls = 0;
  readonly #profile: Profile;
  readonly #seed: number;
  readonly #script: Script;
  readonly #models: readonly string[];

  constructor({ profile, seed, script, models }: InjectorOptions) {
    this.#profile = profile;
    this.#seed = seed;
    this.#script = script;
    this.#models = models;
    this.#outages = outagesOf(profile, seed, script.steps.length);
    // A first model with a small window cannot be the lane that always answers.
    const first = profile.smallFirstModel ? 1 : 0;
    this.#living = {
      key: between(0, profile.keys - 1, seed, "living key"),
      model: between(first, profile.models - 1, seed, "living model"),
    };
  }

  /**
   * Whether the session can end right on these lanes: one of them is never dead, faults are bounded for each step
   * and lane, and outages and limits end within the time that a router waits by default.
   */
  isSolvable(keys: number, models: number): boolean {
    if (this.#profile.isHopeless) return false;
    const lanes = Array.from({ length: keys * models }, (_, nth) => [Math.floor(nth / models), nth % models]);
    const first = this.#profile.smallFirstModel ? 1 : 0;
    return lanes.some(([key = 0, model = 0]) => model >= first && this.#deadReply(key, model) === undefined);
  }

  answer(call: Incoming): { reply: Reply; note: CallNote } {
    const { conversation, atMs } = call;
    const purpose = purposeOf(conversation);
    const model = Math.max(0, this.#models.indexOf(conversation.model));
    const key = this.#keyNumber(call.secret, purpose === "step");
    const progress = this.#script.progress(conversation);
    const note: CallNote = {
      atMs,
      purpose,
      step: progress.step,
      key,
      model,
      label: "",
      kind: "good",
      asked: "",
      problems: purpose === "step" ? progress.problems : [],
    };
    this.#calls += 1;
    const reply =
      purpose === "step" ? this.#step(call, progress, note) : this.#aside(call, progress, purpose, note);
    note.label = reply.label;
    note.kind = reply.kind;
    this.notes.push(note);
    return { reply, note };
  }

  /** Titles and summaries are answered at once, but not by a dead lane and not in an outage. */
  #aside(
    { conversation, atMs }: Incoming,
    progress: Progress,
    purpose: "title" | "summary",
    note: CallNote,
  ): Reply {
    const lane = this.#lane(note.key, note.model);
    const stopped = this.#outageReply(atMs, undefined) ?? this.#refusal(lane, atMs, note);
    if (stopped) return stopped;
    const text = purpose === "title" ? "A task in steps" : `## Goal\n${SUMMARY_MARK} ${progress.step}`;
    const answer = { ...this.#empty(conversation), text };
    return goodReply({ conversation, answer });
  }

  #step(call: Incoming, progress: Progress, note: CallNote): Reply {
    const { conversation, atMs } = call;
    const lane = this.#lane(note.key, note.model);
    const stopped =
      this.#outageReply(atMs, progress.step) ??
      this.#refusal(lane, atMs, note) ??
      this.#limitReply(lane, atMs, note) ??
      this.#silence(lane) ??
      this.#cannot(lane, conversation, progress);
    if (stopped) return stopped;
    const nth = (lane.tries.get(progress.step) ?? 0) + 1;
    lane.tries.set(progress.step, nth);
    const exchange: Exchange = {
      conversation,
      answer: this.#answerOf(conversation, progress, lane),
      roll: (word) => roll(this.#seed, "call", progress.step, lane.key, lane.model, nth, word),
    };
    return (
      this.#torn(exchange, progress.step) ??
      this.#drawn(exchange, lane, progress.step, atMs) ??
      goodReply(exchange)
    );
  }

  /** The first answer to the last step breaks in its words. */
  #torn(exchange: Exchange, step: number): Reply | undefined {
    if (!this.#isTornStep(step)) return undefined;
    const isFirst = this.#tornCalls++ === 0;
    return isFirst ? tornReply(exchange) : undefined;
  }

  #isTornStep(step: number): boolean {
    return this.#profile.isTorn && step === this.#script.steps.length - 1;
  }

  #drawn(exchange: Exchange, lane: Lane, step: number, atMs: number): Reply | undefined {
    const { share, groups } = this.#profile;
    if (exchange.roll("is a fault") >= share) return undefined;
    const group = groups[Math.floor(exchange.roll("group") * groups.length)];
    if (group === undefined) return undefined;
    if (group === "odd") return faultReply(group, exchange);
    // A broken text that no lane goes on from can only be ended; a call behind it can still be made.
    const { isWordy, prefill } = this.#profile;
    if (isWordy && !prefill.includes("continue") && exchange.answer.calls.length === 0) return undefined;
    const ofLane = lane.faults.get(step) ?? 0;
    const ofStep = this.#faultsOfStep.get(step) ?? 0;
    if (ofLane >= MOST_PER_LANE || ofStep >= MOST_PER_STEP) return undefined;
    lane.faults.set(step, ofLane + 1);
    this.#faultsOfStep.set(step, ofStep + 1);
    if (group !== "limits") return faultReply(group, exchange);
    const index = Math.floor(exchange.roll("which") * LIMITS.length);
    lane.limit = { index, sinceMs: atMs, untilMs: atMs + (LIMITS[index]?.ms ?? 0) };
    return this.#limitReply(lane, atMs, undefined);
  }

  #outageReply(atMs: number, step: number | undefined): Reply | undefined {
    for (const outage of this.#outages) {
      if (outage.untilMs === undefined && step !== undefined && step >= outage.step)
        outage.untilMs = atMs + outage.ms;
      if (outage.untilMs === undefined || atMs >= outage.untilMs) continue;
      return { label: `outage: ${outage.how}`, kind: "fault", actions: OUTAGE_ACTIONS[outage.how]() };
    }
    return undefined;
  }

  #deadReply(key: number, model: number): { name: string; make: () => Reply } | undefined {
    const { dead, isHopeless } = this.#profile;
    const isLiving = !isHopeless && key === this.#living.key;
    const keyIsDead = !isLiving && roll(this.#seed, "dead key", key) < dead;
    const laneIsDead =
      !isHopeless &&
      !(isLiving && model === this.#living.model) &&
      roll(this.#seed, "dead lane", key, model) < dead / 2;
    if (!keyIsDead && !laneIsDead) return undefined;
    const scope = keyIsDead ? "key" : "lane";
    const words = keyIsDead ? ["dead key how", key] : ["dead lane how", key, model];
    const kind = pick(
      DEAD.filter((one) => one.scope === scope),
      this.#seed,
      ...words,
    );
    const label = `dead ${scope}: ${kind.name}`;
    const make = (): Reply => ({ label, kind: "refusal", actions: kind.reply(this.#models[model] ?? "") });
    return { name: `${scope} ${key} ${keyIsDead ? "" : model}`, make };
  }

  #refusal(lane: Lane, atMs: number, note: CallNote): Reply | undefined {
    const dead = lane.key < 0 ? undefined : this.#deadReply(lane.key, lane.model);
    if (!dead) return undefined;
    // What one lane of a dead key has said holds for the others.
    const since = [...this.#lanes.values()]
      .filter(({ key, model }) => this.#deadReply(key, model)?.name === dead.name)
      .map(({ refusedAtMs }) => refusedAtMs ?? Number.POSITIVE_INFINITY);
    if (Math.min(...since) + UNDER_WAY_MS < atMs) note.asked = "dead";
    lane.refusedAtMs ??= atMs;
    return dead.make();
  }

  #limitReply(lane: Lane, atMs: number, note: CallNote | undefined): Reply | undefined {
    const { limit } = lane;
    const kind = limit && LIMITS[limit.index];
    if (!limit || !kind || atMs >= limit.untilMs) return undefined;
    const isMistake =
      kind.isDeclared && atMs > limit.sinceMs + UNDER_WAY_MS && limit.untilMs - atMs > UNDER_WAY_MS;
    if (note && isMistake) note.asked = "limited";
    return { label: kind.name, kind: "fault", actions: kind.reply(limit.untilMs - atMs) };
  }

  #silence({ key }: Lane): Reply | undefined {
    const { silentKeys, keys } = this.#profile;
    const behindLiving = (key - this.#living.key + keys) % keys;
    if (key < 0 || behindLiving === 0 || behindLiving > silentKeys) return undefined;
    return { label: "silent key", kind: "fault", actions: [{ do: "hang", keepAlive: false }] };
  }

  /** What the service behind a lane does not take, however often it is asked. */
  #cannot(lane: Lane, conversation: Conversation, { step }: Progress): Reply | undefined {
    const last = conversation.turns.at(-1);
    const refuse = (label: string, message: string, code: string | null = null): Reply => ({
      label: `refused: ${label}`,
      kind: "refusal",
      actions: jsonReply(400, { error: { message, type: "invalid_request_error", param: null, code } }),
    });
    if (last?.role === "assistant" && last.calls.length === 0 && this.#prefill(lane) === "refuse")
      return refuse(
        "final assistant message",
        "Expected last role User or Tool for serving but got assistant.",
      );
    const unknown = this.#isPicky(lane) ? unknownField(conversation) : undefined;
    if (unknown) return refuse(`unknown field ${unknown}`, `${unknown}: Extra inputs are not permitted`);
    if (this.#profile.isFiltered && step === FILTERED_STEP)
      return refuse("filter", this.#profile.lastWord, "content_policy_violation");
    if (this.#profile.smallFirstModel && lane.model === 0 && step >= FULL_STEP)
      return refuse(
        "too long",
        `This model's maximum context length is ${SMALL_CONTEXT} tokens. However, your messages resulted in ${SMALL_CONTEXT + 811} tokens.`,
        "context_length_exceeded",
      );
    return undefined;
  }

  #prefill(lane: Lane): Prefill {
    return pick(this.#profile.prefill, this.#seed, "prefill", lane.key, lane.model);
  }

  #isPicky(lane: Lane): boolean {
    return roll(this.#seed, "picky", lane.key, lane.model) < this.#profile.picky;
  }

  #answerOf(conversation: Conversation, { step, done }: Progress, lane: Lane): Answer {
    const { thinking, text, uses } = this.#script.steps[step] ?? { thinking: "", text: "", uses: [] };
    const last = conversation.turns.at(-1);
    const isPrefill = last?.role === "assistant" && last.calls.length === 0 && last.text !== "";
    const begun = isPrefill && this.#prefill(lane) === "continue" ? last.text : undefined;
    const wordings =
      text === "" || !this.#profile.isWordy ? [text] : OPENINGS.map((opening) => opening + text);
    const own = this.#isTornStep(step)
      ? OPENINGS[this.#tornCalls === 0 ? 0 : 1 + (this.#tornCalls % 2)] + text
      : pick(wordings, this.#seed, "wording", step, lane.key, lane.model, lane.tries.get(step) ?? 0);
    const continued = begun === undefined ? undefined : wordings.find((wording) => wording.startsWith(begun));
    return {
      ...this.#empty(conversation),
      // A service that refuses thinking in a history has none in its answers.
      thinking: continued !== undefined || this.#isPicky(lane) ? "" : thinking,
      text: continued === undefined ? own : continued.slice(begun?.length),
      calls: uses.flatMap((use, nth) =>
        done.has(nth) ? [] : [{ id: callId(step, nth, this.#calls), ...toolCall(use, conversation.tools) }],
      ),
    };
  }

  #empty({ model }: Conversation): Answer {
    return { id: `${this.#seed}-${this.#calls}`, model, thinking: "", text: "", calls: [] };
  }

  #keyNumber(secret: string, counts: boolean): number {
    const known = this.#keys.indexOf(secret);
    if (known >= 0 || !counts) return known;
    this.#keys.push(secret);
    return this.#keys.length - 1;
  }

  #lane(key: number, model: number): Lane {
    const id = `${key}/${model}`;
    const known = this.#lanes.get(id);
    if (known) return known;
    const lane: Lane = { key, model, tries: new Map(), faults: new Map() };
    // A key that only a title came with has no number yet, so nothing is remembered of it.
    if (key >= 0) this.#lanes.set(id, lane);
    return lane;
  }
}

const OUTAGE_ACTIONS: Record<Outage["how"], () => Reply["actions"]> = {
  reset: () => [{ do: "reset" }],
  "503": () => jsonReply(503, { error: { message: "Service unavailable.", type: "server_error" } }),
  hang: () => [{ do: "hang", keepAlive: false }],
  page: () =>
    wholeReply(502, "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>", "text/html"),
};

function outagesOf({ outages }: Profile, seed: number, steps: number): Outage[] {
  return Array.from({ length: outages.count }, (_, nth) => ({
    step: between(0, steps - 1, seed, "outage step", nth),
    ms: between(outages.fromMs, outages.toMs, seed, "outage ms", nth),
    how: pick(["reset", "503", "hang", "page"] as const, seed, "outage how", nth),
  })).sort((a, b) => a.step - b.step);
}

const TITLE = /title/i;

function purposeOf({ tools, turns }: Conversation): CallNote["purpose"] {
  if (tools.size > 0) return "step";
  return turns.some(({ role, text }) => role !== "assistant" && TITLE.test(text)) ? "title" : "summary";
}

const KNOWN_FIELDS = new Set(
  "role content tool_calls tool_call_id name type id call_id arguments output status summary encrypted_content".split(
    " ",
  ),
);

function unknownField({ turns, dialect }: Conversation): string | undefined {
  for (const [at, { fields, role, text, calls }] of turns.entries()) {
    const field = fields.find((one) => !KNOWN_FIELDS.has(one));
    if (field) return `messages.${at}.${field}`;
    if (dialect === "chat" && role === "assistant" && text === "" && calls.length === 0)
      return `messages.${at}.content: empty`;
  }
  return undefined;
}

/** The call in the words of the agent that offered its tools. */
function toolCall(use: ToolUse, tools: Map<string, string[]>): { name: string; arguments: string } {
  const named = (...names: string[]) => names.find((name) => tools.has(name)) ?? names[0] ?? "";
  const json = (name: string, values: Record<string, string>) => {
    const known = tools.get(name) ?? [];
    const key = (of: string) => ARGUMENT_NAMES[of]?.find((one) => known.includes(one)) ?? of;
    return {
      name,
      arguments: JSON.stringify(
        Object.fromEntries(Object.entries(values).map(([of, value]) => [key(of), value])),
      ),
    };
  };
  switch (use.tool) {
    case "write":
      return json(named("write"), { path: use.path, content: use.content });
    case "read":
      return json(named("read"), { path: use.path });
    case "edit":
      return json(named("edit"), { path: use.path, before: use.before, after: use.after });
    case "shell":
      return json(named("bash", "shell"), { command: use.command });
  }
}

const ARGUMENT_NAMES: Record<string, readonly string[]> = {
  path: ["filePath", "path", "file_path"],
  before: ["oldString", "old_string"],
  after: ["newString", "new_string"],
};
