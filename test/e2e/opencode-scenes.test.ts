import { expect } from "bun:test";
import { findScene, type Scene } from "../../src/demo/scenes.ts";
import type { Upstream } from "../../src/demo/upstream.ts";
import { type BoundedRun, boundedRun } from "./bounded-run.ts";
import { answers, count, LIMIT_MS, onStage, scenario } from "./scenario.ts";

/** What a scene of `orouter demo` must come to. */
interface Play {
  scene: string;
  /** How it shows that the scene went right. */
  title: string;
  exitCode: number;
  /** The whole of stdout. */
  stdout: RegExp;
  /** What the tally behind the run says of rotations and fallbacks. */
  tally: RegExp;
  judge?: (run: BoundedRun, upstream: Upstream, scene: Scene) => void;
}

const HELLO = /^Hello! This is [\w.:-]+, reached with the key "\w+"\. [^\n]+\n$/;
const STEADY = /^Hello! You are reading one answer [^\n]+ everything worked as it should\.\n$/;

const PLAYS: readonly Play[] = [
  {
    scene: "rotation",
    title: "two keys fail and the third answers",
    exitCode: 0,
    stdout: HELLO,
    tally: /\d requests, [1-4] rotations?, 0 fallbacks/,
  },
  {
    scene: "plan",
    title: "two keys have no plan for the model and the third answers with it",
    exitCode: 0,
    stdout: /^Hello! This is glm-5\.2, [^\n]+\n$/,
    tally: /\d requests, [1-4] rotations?, 0 fallbacks/,
  },
  {
    scene: "stall",
    title: "a silent model is followed by another",
    exitCode: 0,
    stdout: STEADY,
    tally: /\d requests, \d rotations?, [12] fallbacks?/,
  },
  {
    scene: "broken",
    title: "an answer that breaks off is carried on to the letter",
    exitCode: 0,
    stdout: STEADY,
    tally: /\d requests, \d rotations?, \d fallbacks?/,
  },
  {
    scene: "limits",
    title: "keys that ask for patience are waited for",
    exitCode: 0,
    stdout: HELLO,
    tally: /^/,
  },
  {
    scene: "exhausted",
    title: "one error within five seconds, and the report behind it",
    exitCode: 1,
    stdout: /^$/,
    tally: /ALL KEYS EXHAUSTED!/,
    judge: (run, upstream, scene) => {
      // In opencode, and in the terminal behind it.
      expect(count(run.stderr, "ALL KEYS EXHAUSTED!")).toBe(2);
      expect(count(run.stderr, "Error: ")).toBe(1);
      expect(run.stderr).toContain("Error: [orouter] ALL KEYS EXHAUSTED");
      // Words for people, in the client as in the terminal.
      expect(run.stderr).not.toMatch(/[{}]|\\n|"error"/);
      for (const { secret } of scene.keys) expect(run.stderr).not.toContain(secret);
      // One walk over the keys for the prompt and one for the title: nothing was retried.
      const calls = answers(upstream);
      expect(calls.length).toBeLessThanOrEqual(2 * scene.keys.length * scene.models.length);
      const times = calls.map((call) => call.atMs);
      expect(Math.max(...times) - Math.min(...times)).toBeLessThan(5_000);
    },
  },
];

function sceneNamed(name: string): Scene {
  const scene = findScene(name);
  if (scene === undefined) throw new Error(`there is no scene ${name}`);
  return scene;
}

/** As `orouter demo` sets it up: all models in one chain, and the scene's own patience. */
function configOf({ models, timeouts }: Scene): string {
  const chain = models.map((model) => `"ollama-cloud/${model}"`).join(", ");
  const patience =
    timeouts === undefined
      ? ""
      : `[routing]\nfirst_token_timeout = "${timeouts.firstTokenMs}ms"\nstall_timeout = "${timeouts.stallMs}ms"\n`;
  return `[chains]\ndemo = [${chain}]\n${patience}`;
}

for (const { scene: name, title, ...play } of PLAYS) {
  scenario(`${name}: ${title}`, (program) => {
    const scene = sceneNamed(name);
    return onStage(program, scene, configOf(scene), async (machine, upstream) => {
      const args = ["opencode", "run", "-m", "orouter/demo", "say hello"];
      const run = await boundedRun(machine, args, { limitMs: LIMIT_MS });
      expect({ stdout: run.stdout, exitCode: run.exitCode }).toEqual({
        stdout: expect.stringMatching(play.stdout),
        exitCode: play.exitCode,
      });
      if (play.exitCode === 0) expect(run.stderr).not.toContain("Error:");
      expect(run.stderr).toMatch(play.tally);
      play.judge?.(run, upstream, scene);
    });
  });
}
