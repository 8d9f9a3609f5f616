import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Agent,
  type KeyPlugin,
  modelNames,
  type SessionFolder,
  type Start,
  sessionFolder,
  startAlone,
  startBehind,
  writeOrouterConfig,
} from "./agents.ts";
import { progressOf } from "./conversation.ts";
import { type CallNote, Injector } from "./injector.ts";
import { type Judgement, judge, judgeHopeless } from "./judge.ts";
import { PROFILES, type Profile } from "./profiles.ts";
import { type Provider, type Served, startProvider } from "./provider.ts";
import { taskOf } from "./task.ts";

/** One session to run. */
export interface SessionPlan {
  profileName: string;
  profile: Profile;
  agent: Agent;
  seed: number;
  /** Without orouter: the agent with one key and one model. */
  isPlain: boolean;
  /** Without orouter, and with a plugin that turns the keys. */
  plugin: KeyPlugin | undefined;
  orouter: string;
  /** Where sessions keep their folders. */
  folder: string;
}

export interface SessionResult extends Judgement {
  plan: SessionPlan;
  folder: string;
  isSolvable: boolean;
  /** Why it could not end right, and is judged by how it ends. */
  unsolvable: string | undefined;
  /** It counts: it could end right, or it could not and is judged by how it ends. */
  isJudged: boolean;
  notes: readonly CallNote[];
  /** From the start of the program to its end. */
  ms: number;
}

/** A session that takes longer has lost its user. */
const LIMIT_MS = 420_000;
const KILL_AFTER_MS = 4000;

/** Runs and judges one session; undefined when the signal ended it before its time. */
export async function runSession(plan: SessionPlan, signal: AbortSignal): Promise<SessionResult | undefined> {
  const { profile, profileName, agent, seed, isPlain } = plan;
  const name = `${profileName}-${agent.name}${variantOf(plan, "-")}-${seed}`;
  const template = join(plan.folder, `template-${agent.name}${plan.plugin?.provider ?? ""}`);
  const place = sessionFolder(join(plan.folder, name), existsSync(template) ? template : undefined, agent);
  const task = taskOf(seed, place.project);
  const models = modelNames(profile);
  const injector = new Injector({
    profile,
    seed,
    script: { steps: task.steps, progress: (conversation) => progressOf(conversation, task) },
    models,
  });
  const provider = await startProvider({ models, answer: (call) => injector.answer(call).reply });
  if (!isPlain) writeOrouterConfig(place.home, profile, provider.baseUrl);
  const start = isPlain
    ? startAlone(
        { agent, profile, baseUrl: provider.baseUrl, prompt: task.prompt, plugin: plan.plugin },
        place.home,
      )
    : startBehind(plan.orouter, profile, task.prompt);
  const run = await bounded(start, place, { signal, lastWord: profile.lastWord });
  await provider.stop();
  if (signal.aborted) return undefined;
  const files = projectFiles(place.project);
  const evidence = { task, files, notes: injector.notes, ...run };
  const hopeless = judgeHopeless(
    evidence,
    profile.lastWord,
    lateness(run, lastChanceMs(profile, injector.notes, provider.served)),
  );
  const unsolvable = isPlain ? undefined : whyUnsolvable(plan);
  const judgement = {
    ...judge(evidence),
    ...(unsolvable === undefined ? {} : { faults: hopeless, isRight: hopeless.length === 0 }),
  };
  const isSolvable =
    unsolvable === undefined &&
    (isPlain
      ? injector.isSolvable(plan.plugin === undefined ? 1 : profile.keys, 1)
      : injector.isSolvable(profile.keys, profile.models));
  const isJudged = isSolvable || unsolvable !== undefined;
  const result = {
    ...judgement,
    plan,
    folder: place.root,
    isSolvable,
    unsolvable,
    isJudged,
    notes: injector.notes,
    ms: run.ms,
  };
  keepLog(place.root, provider, { ...run, ...result });
  if (!existsSync(template)) keepTemplate(place.home, template);
  // Homes, and what programs unpack into the folder for temporary files, would fill the disk in a long run.
  for (const path of [place.home, place.runtime]) rmSync(path, { recursive: true, force: true });
  return result;
}

/**
 * Why no router could end the session right. opencode 2 keeps what it has shown of an answer, so that asking again would
 * show it twice: a text that no lane continues is one that it can only be told the end of.
 */
function whyUnsolvable({ profile, agent }: SessionPlan): string | undefined {
  if (profile.isHopeless) return profile.isFiltered ? "refused by a filter" : "no key can answer";
  return profile.isTorn && agent.name === "opencode2" ? "unsolvable by contract" : undefined;
}

interface Ran {
  stdout: string;
  stderr: string;
  exitCode: number | null;
  wasStopped: boolean;
  ms: number;
  endMs: number;
  /** When the last words were first shown. */
  toldMs: number;
}

function lateness({ toldMs, endMs }: Ran, lastChanceMs: number): { toldMs: number; endMs: number } {
  return { toldMs: toldMs - lastChanceMs, endMs: endMs - lastChanceMs };
}

/** As long as a router waits by default before it gives up. */
const MAX_WAIT_MS = 90_000;

/** When the last answer could have come: at the end of the last call and, in an outage, of the time for trying. */
function lastChanceMs({ outages }: Profile, notes: readonly CallNote[], served: readonly Served[]): number {
  const steps = notes.filter(({ purpose }) => purpose === "step");
  const lastCallMs = Math.max(0, ...served.map(({ endedMs }) => endedMs));
  if (outages.count === 0) return lastCallMs;
  const last = steps.at(-1)?.step;
  const firstFault = steps.find(({ step, kind }) => step === last && kind === "fault");
  return Math.max(lastCallMs, (firstFault?.atMs ?? 0) + MAX_WAIT_MS);
}

async function bounded(
  { command, env }: Start,
  place: SessionFolder,
  { signal, lastWord }: { signal: AbortSignal; lastWord: string },
): Promise<Ran> {
  const startMs = performance.now();
  const child = Bun.spawn(command, {
    cwd: place.project,
    env: { ...place.env, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let wasStopped = false;
  const stop = () => {
    wasStopped = true;
    child.kill("SIGTERM");
    setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS).unref();
  };
  const limit = setTimeout(stop, LIMIT_MS);
  signal.addEventListener("abort", stop);
  let toldMs: number | undefined;
  const readErrors = async (): Promise<string> => {
    let text = "";
    const decoder = new TextDecoder();
    for await (const bytes of child.stderr) {
      text += decoder.decode(bytes, { stream: true });
      if (toldMs === undefined && Bun.stripANSI(text).includes(lastWord)) toldMs = Date.now();
    }
    return text;
  };
  const [stdout, stderr] = await Promise.all([child.stdout.text(), readErrors(), child.exited]);
  clearTimeout(limit);
  signal.removeEventListener("abort", stop);
  return {
    stdout: Bun.stripANSI(stdout),
    stderr: Bun.stripANSI(stderr),
    exitCode: child.exitCode,
    wasStopped,
    ms: performance.now() - startMs,
    endMs: Date.now(),
    toldMs: toldMs ?? Date.now(),
  };
}

function projectFiles(project: string): Map<string, string> {
  return new Map(
    readdirSync(project, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => [name, readFileSync(join(project, name), "utf8")]),
  );
}

/** The first start of an agent in an empty home takes seconds, which are nobody's fault. */
function keepTemplate(home: string, template: string): void {
  rmSync(join(home, ".config/orouter"), { recursive: true, force: true });
  rmSync(join(home, ".local/state/orouter"), { recursive: true, force: true });
  cpSync(home, template, { recursive: true });
}

function keepLog(root: string, provider: Provider, result: Ran & SessionResult): void {
  const { stdout, stderr, notes, plan, ...rest } = result;
  mkdirSync(join(root, "calls"), { recursive: true });
  writeFileSync(join(root, "stdout.txt"), stdout);
  writeFileSync(join(root, "stderr.txt"), stderr);
  writeFileSync(join(root, "result.json"), JSON.stringify({ ...rest, replay: replayCommand(plan) }, null, 2));
  const startMs = notes[0]?.atMs ?? 0;
  writeFileSync(
    join(root, "calls.txt"),
    notes.map((note, nth) => lineOf(note, provider.served[nth], startMs)).join(""),
  );
  if (rest.isRight) return;
  for (const [nth, { body }] of provider.served.entries())
    writeFileSync(join(root, "calls", `${nth + 1}.json`), body);
}

function lineOf(note: CallNote, served: Served | undefined, startMs: number): string {
  const at = ((note.atMs - startMs) / 1000).toFixed(2).padStart(7);
  const took = served ? `${((served.endedMs - note.atMs) / 1000).toFixed(2)} s` : "";
  const left = served?.callerLeft ? " (the caller left)" : "";
  const asked = note.asked === "" ? "" : ` [lane known to be ${note.asked}]`;
  const problems = note.problems.map((problem) => `\n          ! ${problem}`).join("");
  return `${at}  ${note.purpose} ${note.step}  key ${note.key} model ${note.model}  ${note.label}${asked}  ${took}${left}${problems}\n`;
}

/** What runs in place of orouter, as part of a name; nothing for orouter itself. */
export function variantOf({ isPlain, plugin }: SessionPlan, before: string): string {
  return isPlain ? `${before}${plugin?.provider ?? "plain"}` : "";
}

/** The one command that runs a session again. */
export function replayCommand({ profileName, agent, seed, isPlain, plugin, profile }: SessionPlan): string {
  const known = PROFILES[profileName];
  const lanes =
    known && (known.keys !== profile.keys || known.models !== profile.models)
      ? ` --keys ${profile.keys} --models ${profile.models}`
      : "";
  const without = plugin === undefined ? " --plain" : ` --plugin ${plugin.provider}=${plugin.file}`;
  return `bun run chaos --profile ${profileName} --agent ${agent.name} --seed ${seed}${lanes}${isPlain ? without : ""}`;
}
