import { untilStopped } from "../../cli/ask.ts";
import { type Paint, paintFor } from "../../cli/colour.ts";
import { out, say } from "../../cli/talk.ts";
import { talkWidth, wrapText } from "../../cli/text.ts";
import { keyVariables } from "../../config/keys.ts";
import { loadConfig } from "../../config/load.ts";
import { resolvePaths } from "../../config/paths.ts";
import { fingerprint, type Key } from "../../core/key.ts";
import type { RouterEvent } from "../../core/routing/events.ts";
import { parseSettings, type Settings } from "../../core/settings/settings.ts";
import type { Call } from "../../demo/call.ts";
import { outcomeOf, type Reply } from "../../demo/reply.ts";
import type { Scene } from "../../demo/scenes.ts";
import { routerLine, storyLine } from "../../demo/story.ts";
import { startUpstream, type Upstream } from "../../demo/upstream.ts";
import { AGENTS } from "../../harness/registry.ts";
import { childEnv, runChild } from "../../harness/run/child.ts";
import { agentFacts, checkProject, findAgent } from "../find-agent.ts";
import { launch } from "../launch.ts";
import { startRouting } from "../routing.ts";

const PROVIDER = "demo";

/** Timeouts are as short as the scene allows. */
export function sceneSettings(scene: Scene, upstream: Upstream): Settings {
  const { firstTokenMs, stallMs } = scene.timeouts ?? {};
  const chains = Object.entries(chainsOf(scene)).map(([name, models]) => [name, models.map(refOf)]);
  const parsed = parseSettings({
    routing: {
      ...(firstTokenMs === undefined ? {} : { first_token_timeout: `${firstTokenMs}ms` }),
      ...(stallMs === undefined ? {} : { stall_timeout: `${stallMs}ms` }),
    },
    providers: { [PROVIDER]: { name: "Demo", base_url: upstream.baseUrl, models: [...scene.models] } },
    chains: Object.fromEntries(chains),
  });
  if ("faults" in parsed)
    throw new Error(`the scene ${scene.name} does not fit the settings: ${parsed.faults[0]?.what}`);
  return parsed.settings;
}

export function sceneModel(scene: Scene): string {
  const [chain] = Object.keys(chainsOf(scene));
  return chain === undefined ? refOf(scene.models[0] ?? "") : `orouter/${chain}`;
}

export function sceneKeys(scene: Scene): Key[] {
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

/** Unless the scene says otherwise, its models form one chain in their order. */
function chainsOf({ chains, models }: Scene): Record<string, readonly string[]> {
  return chains ?? (models.length > 1 ? { [PROVIDER]: models } : {});
}

function refOf(model: string): string {
  return `${PROVIDER}/${model}`;
}

export function sayScene({ title, about }: Scene, { strong }: Paint): void {
  const [first = "", ...more] = wrapText(`${title}. ${about}`, talkWidth());
  say([first.startsWith(title) ? strong(title) + first.slice(title.length) : first, ...more].join("\n"));
}

const LOOK_FOR = "Look for";

export function sayLookFor({ lookFor }: Scene, { accent }: Paint): void {
  if (lookFor === undefined) return;
  const lines = wrapText(`${LOOK_FOR} ${lookFor}`, talkWidth()).join("\n");
  say(accent(LOOK_FOR) + lines.slice(LOOK_FOR.length));
}

/** A longer summary keeps its last lines. */
const LINES_KEPT = 200;

/** Prints what the provider answered and what the router did: at once, or when the terminal is free. */
export class StoryTeller {
  readonly #paint: Paint;
  readonly #isLive: boolean;
  readonly #lines: string[] = [];
  #dropped = 0;

  constructor(paint: Paint, isLive: boolean) {
    this.#paint = paint;
    this.#isLive = isLive;
  }

  replied(call: Call, reply: Reply): void {
    const tone = outcomeOf(reply).isWhole ? "good" : "bad";
    this.#add(this.#paint[tone](storyLine(call, reply)));
  }

  routed(event: RouterEvent): void {
    const line = routerLine(event, Date.now());
    if (line !== undefined) this.#add(`  ${this.#paint.muted(`→ ${line}`)}`);
  }

  printHeldLines(title: string): void {
    if (this.#lines.length === 0) return;
    say(`\n${this.#paint.strong(`What happened (${title})`)}`);
    if (this.#dropped > 0) say(`  … and ${this.#dropped} lines before these`);
    for (const line of this.#lines) say(told(" ", line));
  }

  #add(line: string): void {
    if (this.#isLive) {
      say(told(this.#paint.accent("[demo]"), line));
      return;
    }
    this.#lines.push(line);
    if (this.#lines.length <= LINES_KEPT) return;
    this.#lines.shift();
    this.#dropped++;
  }
}

/** A line that is too long for the terminal continues below its own text. */
function told(mark: string, line: string): string {
  const whole = `${mark} ${line}`;
  return Bun.stringWidth(whole) <= talkWidth() ? whole : Bun.wrapAnsi(whole, talkWidth(), { hard: false });
}

export async function playScene(scene: Scene, words: readonly string[]): Promise<number> {
  const { env } = process;
  const paths = resolvePaths(env);
  const { settings: own } = await loadConfig(paths);
  const agent = await AGENTS.opencode.load();
  const file = await findAgent(agent, { settings: own, env, paths });
  const variables = keyVariables(env, own);
  // The keys of the scene are made up, but the user's own files are on this machine too.
  checkProject(
    agent,
    { paths },
    { env: childEnv(env, { without: variables, extra: {} }), args: words, secrets: [] },
  );
  const { program, harness } = await agentFacts(agent, file, { env, paths });
  const plan = await harness.plan(words, program);
  if (plan.kind === "plain") {
    const plain = await runChild({
      file,
      args: plan.args,
      env: agent.cleanEnv(env, paths.runRoot),
      signals: harness.signals,
    });
    return plain.exitCode;
  }
  const paint = paintFor(process.stderr, own.theme);
  const isLive = harness.printsLines(words);
  const story = new StoryTeller(paint, isLive);
  const upstream = await startUpstream(scene, { onReply: (call, reply) => story.replied(call, reply) });
  try {
    // Keep the user's theme, but leave out plugins that would make opencode wait for npm.
    const settings = {
      ...sceneSettings(scene, upstream),
      opencode: { ...own.opencode, shellKeys: false, tools: false },
    };
    sayScene(scene, paint);
    sayLookFor(scene, paint);
    if (!isLive) say("A summary follows when you leave opencode.");
    const end = await launch({
      name: agent.name,
      harness,
      file,
      words,
      plan,
      env,
      runRoot: paths.runRoot,
      settings,
      keyVariables: variables,
      configs: () => [],
      startRouting: (more) => {
        const routing = startRouting({ settings, keys: sceneKeys(scene), ...more });
        routing.router.subscribe((event) => story.routed(event));
        return routing;
      },
      model: sceneModel(scene),
      isListed: false,
      // The demo is about keys; a fresh machine should not wait for lists that the demo does not need.
      extraEnv: { OPENCODE_DISABLE_MODELS_FETCH: "1", OPENCODE_DISABLE_AUTOUPDATE: "1" },
    });
    story.printHeldLines(scene.title);
    return end.exitCode;
  } finally {
    await upstream.stop();
  }
}

export interface ServeSceneOptions {
  port: number | undefined;
  /** Prints one line for scripts when the server accepts connections. */
  asJson: boolean;
}

export async function serveScene(scene: Scene, { port, asJson }: ServeSceneOptions): Promise<void> {
  const upstream = await startUpstream(scene, {
    ...(port === undefined ? {} : { port }),
    onReply: (call, reply) => say(storyLine(call, reply)),
  });
  const end = untilStopped();
  try {
    if (asJson) out(JSON.stringify(servedJson(scene, upstream.baseUrl)));
    else await introduce(scene, upstream.baseUrl);
    await end;
  } finally {
    await upstream.stop();
  }
}

/** The keys are made up, so they may be shown. */
function servedJson({ name, models, keys }: Scene, baseUrl: string) {
  return { scene: name, baseUrl, models, keys: keys.map((key) => ({ name: key.name, secret: key.secret })) };
}

async function introduce(scene: Scene, baseUrl: string): Promise<void> {
  const { settings } = await loadConfig(resolvePaths(process.env));
  const paint = paintFor(process.stderr, settings.theme);
  const [model = "any"] = scene.models;
  const secret = scene.keys[0]?.secret ?? "any";
  const question = JSON.stringify({ model, messages: [{ role: "user", content: "hello" }] });
  sayScene(scene, paint);
  say(`base URL  ${baseUrl}`);
  say(`models    ${scene.models.join(", ") || "any"}`);
  say(`keys      ${scene.keys.map((key) => `${key.name}: ${key.secret}`).join(", ") || "any"}`);
  say(`\n${paint.strong("Point a tool at it")}`);
  say(`  export OPENAI_BASE_URL=${baseUrl} OPENAI_API_KEY=${secret}`);
  say(`  curl ${baseUrl}/chat/completions -H "authorization: Bearer ${secret}" -d '${question}'`);
  say(`${paint.strong("Put orouter between")} (config.toml; then: orouter keys add demo)`);
  say(`  [providers.demo]\n  base_url = "${baseUrl}"\n  models = ${JSON.stringify(scene.models)}`);
  say("\nEach call is listed below. Stop with Ctrl-C.");
}
