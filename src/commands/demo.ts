import { homedir } from "node:os";
import { say } from "../cli/io.ts";
import type { Verb, VerbArgs } from "../cli/verb.ts";
import { loadConfig } from "../config/load.ts";
import { resolvePaths } from "../config/paths.ts";
import { fingerprint } from "../core/fingerprint.ts";
import type { Key } from "../core/key.ts";
import { EXIT, Problem } from "../core/problem.ts";
import { parseSettings, type Settings } from "../core/settings/settings.ts";
import type { Scene } from "../demo/scene.ts";
import { findScene, SCENES } from "../demo/scenes.ts";
import { storyLine } from "../demo/story.ts";
import { startUpstream, type Upstream } from "../demo/upstream.ts";
import { locateOpencode } from "../opencode/locate.ts";
import { launch } from "./launch.ts";
import { findOrOfferOpencode } from "./offer-opencode.ts";
import { startRouting } from "./routing.ts";

/** `orouter demo`: opencode against a scripted provider whose keys fail, with no account at all. */
export const demoVerb: Verb = {
  name: "demo",
  about: "opencode against a scripted provider whose keys fail: rotation and fallback without any account",
  examples: [
    { line: "orouter demo", does: "opencode's own interface; type anything" },
    { line: 'orouter demo -- run "say hello"', does: "one prompt, then the story of what happened" },
    { line: "orouter demo --scene plan", does: "another scene: keys whose plan lacks the model" },
    { line: "orouter demo --serve", does: "the scripted provider alone, for trying other tools" },
  ],
  args: {
    scene: {
      type: "string",
      description: `Scene to play: ${SCENES.map((scene) => scene.name).join(", ")}`,
      valueHint: "NAME",
    },
    serve: { type: "boolean", description: "Only serve the scripted provider" },
    port: { type: "string", description: "With --serve: the port (default: a free one)", valueHint: "PORT" },
  },
  rest: true,
  run: demo,
  children: {},
};

const PROVIDER = "demo";

async function demo(args: VerbArgs): Promise<number> {
  const scene = sceneOf(args["scene"]);
  const story: string[] = [];
  const isServing = args["serve"] === true;
  const port = isServing && typeof args["port"] === "string" ? { port: Number(args["port"]) } : {};
  const upstream = await startUpstream(scene, {
    ...port,
    onReply: (call, reply) => {
      const line = storyLine(call, reply);
      if (isServing) say(line);
      else story.push(line);
    },
  });
  try {
    return isServing ? await serveOnly(scene, upstream) : await play(scene, upstream, args._, story);
  } finally {
    await upstream.stop();
  }
}

async function play(
  scene: Scene,
  upstream: Upstream,
  words: readonly string[],
  story: readonly string[],
): Promise<number> {
  const { env } = process;
  const paths = resolvePaths(env);
  const { settings: own } = await loadConfig(paths);
  const where = { configured: own.opencode.path, env, home: homedir(), self: process.execPath };
  const file = await findOrOfferOpencode(() => locateOpencode(where));
  const settings = sceneSettings(scene, upstream);
  const end = await launch({
    file,
    args: words,
    env,
    runRoot: paths.runRoot,
    settings,
    keyVariables: [],
    startRouting: (onBug) => startRouting({ settings, keys: sceneKeys(scene), onBug }),
    chooseModel: () => modelOf(scene),
    // The demo is about keys; a fresh machine should not wait for lists it does not need.
    extraEnv: { OPENCODE_DISABLE_MODELS_FETCH: "1", OPENCODE_DISABLE_AUTOUPDATE: "1" },
  });
  tell(scene, story);
  return end.exitCode;
}

function tell(scene: Scene, story: readonly string[]): void {
  if (story.length === 0) return;
  say(`\nWhat the scripted provider saw (${scene.title}):`);
  for (const line of story) say(`  ${line}`);
}

async function serveOnly(scene: Scene, upstream: Upstream): Promise<number> {
  say(`${scene.title}: ${scene.about}`);
  say(`base URL  ${upstream.baseUrl}`);
  say(`models    ${scene.models.join(", ") || "any"}`);
  say(`keys      ${scene.keys.map((key) => `${key.name}: ${key.secret}`).join(", ") || "any"}`);
  say("Stop it with Ctrl-C.");
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve());
  await promise;
  return EXIT.fine;
}

function sceneOf(name: unknown): Scene {
  const scene = typeof name === "string" ? findScene(name) : SCENES[0];
  if (scene !== undefined) return scene;
  throw new Problem({
    code: "usage",
    what: `There is no scene named ${String(name)}.`,
    fix: `Scenes: ${SCENES.map((one) => one.name).join(", ")}`,
    exit: EXIT.usage,
  });
}

function modelOf(scene: Scene): string {
  return scene.models.length > 1 ? `orouter/${PROVIDER}` : `${PROVIDER}/${scene.models[0]}`;
}

function sceneSettings(scene: Scene, upstream: Upstream): Settings {
  const refs = scene.models.map((model) => `${PROVIDER}/${model}`);
  const { firstTokenMs, stallMs } = scene.timeouts ?? {};
  const parsed = parseSettings({
    routing: {
      ...(firstTokenMs === undefined ? {} : { first_token_timeout: `${firstTokenMs}ms` }),
      ...(stallMs === undefined ? {} : { stall_timeout: `${stallMs}ms` }),
    },
    providers: { [PROVIDER]: { name: "Demo", base_url: upstream.baseUrl, models: [...scene.models] } },
    ...(refs.length > 1 ? { chains: { [PROVIDER]: refs } } : {}),
  });
  if ("faults" in parsed)
    throw new Error(`the scene ${scene.name} does not fit the settings: ${parsed.faults[0]?.what}`);
  return parsed.settings;
}

function sceneKeys(scene: Scene): Key[] {
  return scene.keys.map(({ name, secret }) => ({
    provider: PROVIDER,
    name,
    secret,
    fingerprint: fingerprint(secret),
    enabled: true,
    source: "embedded",
    from: "the scripted provider",
  }));
}
