import { say } from "../../cli/io.ts";
import { portArg } from "../../cli/port-arg.ts";
import { textArg } from "../../cli/text-arg.ts";
import { usageProblem } from "../../cli/usage-problem.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { EXIT } from "../../core/problem.ts";
import { findScene, SCENES } from "../../demo/scenes.ts";
import { chooseScene } from "./choose-scene.ts";
import { listScenes } from "./list-scenes.ts";
import { playScene } from "./play-scene.ts";
import { serveScene } from "./serve-scene.ts";

/** `orouter demo`: opencode against a scripted provider whose keys fail, with no account at all. */
export const demoVerb: Verb = {
  name: "demo",
  about: "opencode against a scripted provider whose keys fail: rotation and fallback without any account",
  examples: [
    { line: "orouter demo", does: "choose a scene, then type anything in opencode" },
    { line: 'orouter demo -- run "say hello"', does: "one prompt, told as it goes" },
    { line: "orouter demo --scene plan", does: "another scene: keys whose plan lacks the model" },
    { line: "orouter demo --list", does: "the scenes there are" },
    { line: "orouter demo --serve", does: "the scripted provider alone, for trying other tools" },
  ],
  args: {
    scene: {
      type: "string",
      description: `Scene to play: ${SCENES.map((scene) => scene.name).join(", ")}`,
      valueHint: "NAME",
      offers: { words: SCENES.map((scene) => scene.name) },
    },
    list: { type: "boolean", description: "List the scenes" },
    serve: { type: "boolean", description: "Only serve the scripted provider" },
    port: { type: "string", description: "With --serve: the port (default: a free one)", valueHint: "PORT" },
    json: {
      type: "boolean",
      description:
        'Print {"scenes":[…]} with --list; {"scene","baseUrl","models","keys"} as one line with --serve',
    },
  },
  rest: true,
  run: demo,
  children: {},
};

const PATH = ["orouter", "demo"];

async function demo(args: VerbArgs): Promise<number> {
  const asJson = args["json"] === true;
  if (args["list"] === true) {
    await listScenes(asJson);
    return EXIT.fine;
  }
  const isServing = args["serve"] === true;
  const port = portArg(args["port"]);
  if (!isServing) refuseServing({ asJson, port });
  const words = args._;
  refuseBareScene(words);
  const scene = await chooseScene({ name: textArg(args, "scene"), mayAsk: !isServing && words.length === 0 });
  if (scene === undefined) {
    say("No scene was played.");
    return EXIT.failed;
  }
  if (!isServing) return playScene(scene, words);
  await serveScene(scene, { port, asJson });
  return EXIT.fine;
}

/** opencode would take the name for a folder. */
function refuseBareScene(words: readonly string[]): void {
  const [word = "", ...more] = words;
  if (more.length > 0 || findScene(word) === undefined) return;
  throw usageProblem(`A scene is chosen with a flag: orouter demo --scene ${word}.`, PATH);
}

function refuseServing({ asJson, port }: { asJson: boolean; port: number | undefined }): void {
  if (asJson) throw usageProblem("--json goes with --list or --serve.", PATH);
  if (port !== undefined) throw usageProblem("--port goes with --serve.", PATH);
}
