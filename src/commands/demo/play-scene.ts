import { say } from "../../cli/io.ts";
import { paintFor } from "../../cli/paint.ts";
import { keyVariables } from "../../config/keys.ts";
import { loadConfig } from "../../config/load.ts";
import { resolvePaths } from "../../config/paths.ts";
import type { Scene } from "../../demo/scene.ts";
import { startUpstream } from "../../demo/upstream.ts";
import { AGENTS } from "../../harness/registry.ts";
import { runChild } from "../../harness/run/child.ts";
import { childEnv } from "../../harness/run/child-env.ts";
import { agentFacts, checkProject, findAgent } from "../find-agent.ts";
import { launch } from "../launch.ts";
import { startRouting } from "../routing.ts";
import { sayLookFor, sayScene } from "./scene-intro.ts";
import { sceneKeys, sceneModel, sceneSettings } from "./scene-settings.ts";
import { StoryTeller } from "./story-teller.ts";

/** Runs opencode against a scene's provider, and tells what happens. Returns opencode's exit code. */
export async function playScene(scene: Scene, words: readonly string[]): Promise<number> {
  const { env } = process;
  const paths = resolvePaths(env);
  const { settings: own } = await loadConfig(paths);
  const agent = await AGENTS.opencode.load();
  const file = await findAgent(agent, { settings: own, env, paths });
  const variables = keyVariables(env, own);
  // The keys are made up, but the user's own are on this machine, too.
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
    // How opencode should look is the user's own wish here too; what would have it wait for npm is not shown.
    const settings = {
      ...sceneSettings(scene, upstream),
      opencode: { ...own.opencode, shellKeys: false, tools: false },
    };
    sayScene(scene, paint);
    sayLookFor(scene, paint);
    if (!isLive) say("What happens is told when you leave opencode.");
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
      // The demo is about keys; a fresh machine should not wait for lists it does not need.
      extraEnv: { OPENCODE_DISABLE_MODELS_FETCH: "1", OPENCODE_DISABLE_AUTOUPDATE: "1" },
    });
    story.tellRest(scene.title);
    return end.exitCode;
  } finally {
    await upstream.stop();
  }
}
