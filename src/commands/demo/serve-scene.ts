import { untilStopped } from "../../cli/interruption.ts";
import { out, say } from "../../cli/io.ts";
import { paintFor } from "../../cli/paint.ts";
import { loadConfig } from "../../config/load.ts";
import { resolvePaths } from "../../config/paths.ts";
import type { Scene } from "../../demo/scene.ts";
import { storyLine } from "../../demo/story.ts";
import { startUpstream } from "../../demo/upstream.ts";
import { sayScene } from "./scene-intro.ts";

export interface ServeSceneOptions {
  port: number | undefined;
  /** One line for scripts, once it accepts connections. */
  asJson: boolean;
}

/** The scripted provider alone, until it is stopped. */
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

/** The keys are made up and open nothing else, so they may be shown. */
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
  say("\nEach call is told below. Stop it with Ctrl-C.");
}
