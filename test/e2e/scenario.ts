import { describe, expect, test } from "bun:test";
import type { Call } from "../../src/demo/call.ts";
import type { Reply } from "../../src/demo/reply.ts";
import type { Scene } from "../../src/demo/scenes.ts";
import type { Upstream } from "../../src/demo/upstream.ts";
import { withUpstream } from "../demo/ask.ts";
import { e2eMachine } from "./machine.ts";
import { type OpencodeProgram, testedPrograms } from "./opencode-program.ts";

/** The model of every scenario, and a fallback. */
export const MODEL = "gpt-oss:120b";
export const SECOND = "kimi-k2.6";
export const FALLBACK = `[fallbacks]\n"ollama-cloud/${MODEL}" = ["ollama-cloud/${SECOND}"]\n`;

/** Far above what a run needs. */
export const LIMIT_MS = 60_000;

export const RUN = ["opencode", "run", "-m", `ollama-cloud/${MODEL}`];

export type Machine = ReturnType<typeof e2eMachine>;

export interface ScenarioOptions {
  /** The majors that support it; default: all. */
  majors?: readonly OpencodeProgram["major"][];
  limitMs?: number;
}

/** Must hold with every tested opencode. `bun run compat` reads the names. */
export function scenario(
  name: string,
  run: (program: OpencodeProgram) => Promise<void>,
  { majors, limitMs = 200_000 }: ScenarioOptions = {},
): void {
  const programs = testedPrograms();
  const isForAll = !process.env["OROUTER_TEST_OPENCODE"];
  if (isForAll && majors?.includes(2) !== false && !programs.some(({ major }) => major === 2)) noteMissing();
  for (const program of programs) {
    if (majors !== undefined && !majors.includes(program.major)) continue;
    describe(`opencode ${program.version}`, () => test(name, () => run(program), limitMs));
  }
}

let missing = 0;

/** Prints how many scenarios of the file were skipped because there is no opencode 2. */
function noteMissing(): void {
  missing++;
  if (missing > 1) return;
  // Runs after the file has registered all of its scenarios.
  queueMicrotask(() => {
    process.stderr.write(`${missing} scenarios not run with opencode 2: OROUTER_TEST_OPENCODE2 names none\n`);
    missing = 0;
  });
}

/** A machine with this program and a scripted provider. Fails if a run leaves files or processes. */
export async function onStage(
  program: OpencodeProgram,
  scene: Scene,
  more: string,
  work: (machine: Machine, upstream: Upstream) => Promise<void>,
): Promise<void> {
  await withUpstream(scene, async (upstream) => {
    using machine = e2eMachine(program);
    machine.configure(upstream.baseUrl, scene.keys, more);
    await work(machine, upstream);
    expect(machine.leftovers()).toEqual([]);
    expect(machine.services()).toEqual([]);
  });
}

/** A scene with keys of these names. */
export function sceneWithKeys(names: readonly string[], reply: (call: Call) => Reply): Scene {
  const keys = names.map((name) => ({ name, secret: `scripted-${name}` }));
  return { name: "scenario", title: "", about: "", keys, models: [MODEL, SECOND], reply };
}

/** Completion requests only, not requests for the list of models. */
export function answers(upstream: Upstream): Call[] {
  return upstream.calls.filter((call) => call.dialect !== undefined);
}

/** Those of the prompt itself. */
export function prompts(upstream: Upstream): Call[] {
  return answers(upstream).filter((call) => !call.isTitle);
}

export function count(text: string, words: string): number {
  return text.split(words).length - 1;
}
