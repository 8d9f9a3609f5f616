import { askChoice } from "../../cli/ask.ts";
import { paintFor } from "../../cli/colour.ts";
import { portArg, textArg, usageProblem, type Verb, type VerbArgs } from "../../cli/command.ts";
import { outputWidth } from "../../cli/table.ts";
import { isInteractive, out, outJson, say } from "../../cli/talk.ts";
import { hangingLines } from "../../cli/text.ts";
import { loadConfig } from "../../config/load.ts";
import { resolvePaths } from "../../config/paths.ts";
import { didYouMean, nearest } from "../../core/nearest.ts";
import { EXIT } from "../../core/problem.ts";
import { findScene, SCENES, type Scene } from "../../demo/scenes.ts";
import { playScene, serveScene } from "./play-scene.ts";

/** What a person said about the scene they want. */
export interface SceneWish {
  name: string | undefined;
  /** Whether there is time for a question: a command behind `--` is to be run, and not talked about. */
  mayAsk: boolean;
}

/** The scene that was named, or is chosen from the list, or the first. Undefined: the person left. */
export async function chooseScene({ name, mayAsk }: SceneWish): Promise<Scene | undefined> {
  if (name !== undefined) return findScene(name) ?? noScene(name);
  if (!mayAsk || !isInteractive()) return SCENES[0];
  const options = SCENES.map((scene) => ({ value: scene.name, label: scene.title, hint: scene.about }));
  const chosen = await askChoice("Which scene shall be played?", options);
  return chosen === undefined ? undefined : findScene(chosen);
}

function noScene(name: string): never {
  const names = SCENES.map((scene) => scene.name);
  const near = nearest(name, names);
  throw usageProblem(
    `There is no scene named ${JSON.stringify(name)}.${didYouMean(near)} Scenes: ${names.join(", ")}.`,
    ["orouter", "demo"],
  );
}

/** Prints the scenes that there are. */
export async function listScenes(asJson: boolean): Promise<void> {
  if (asJson) {
    outJson({ scenes: SCENES.map(({ name, title, about, models }) => ({ name, title, about, models })) });
    return;
  }
  const { settings } = await loadConfig(resolvePaths(process.env));
  const { accent } = paintFor(process.stdout, settings.theme);
  const nameWidth = Math.max(...SCENES.map(({ name }) => name.length)) + 2;
  for (const { name, title, about } of SCENES) {
    const [first = "", ...more] = hangingLines(" ".repeat(nameWidth), `${title}. ${about}`, outputWidth());
    out([accent(name) + first.slice(name.length), ...more].join("\n"));
  }
}

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
