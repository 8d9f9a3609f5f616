import { askChoice } from "../../cli/ask.ts";
import { paintFor } from "../../cli/colour.ts";
import { type ArgDefs, type ArgsOf, defineCommand, portArg, usageProblem } from "../../cli/command.ts";
import { outputWidth } from "../../cli/table.ts";
import { isInteractive, out, outJson, say } from "../../cli/talk.ts";
import { hangingLines } from "../../cli/text.ts";
import { loadConfig } from "../../config/load.ts";
import { resolvePaths } from "../../config/paths.ts";
import { EXIT } from "../../core/problem.ts";
import { didYouMean, nearest } from "../../core/text.ts";
import { findScene, SCENES, type Scene } from "../../demo/scenes.ts";
import { requireTerminal } from "../find-agent.ts";
import { playScene, serveScene } from "./play-scene.ts";

export interface SceneWish {
  name: string | undefined;
  mayAsk: boolean;
}

export async function chooseScene({ name, mayAsk }: SceneWish): Promise<Scene | undefined> {
  if (name !== undefined) return findScene(name) ?? noScene(name);
  if (!mayAsk || !isInteractive()) return SCENES[0];
  const options = SCENES.map((scene) => ({ value: scene.name, label: scene.title, hint: scene.about }));
  const chosen = await askChoice("Choose a demo:", options);
  return chosen === undefined ? undefined : findScene(chosen);
}

function noScene(name: string): never {
  const names = SCENES.map((scene) => scene.name);
  const near = nearest(name, names);
  throw usageProblem(
    `Unknown scene ${JSON.stringify(name)}.${didYouMean(near)} Scenes: ${names.join(", ")}.`,
    ["orouter", "demo"],
  );
}

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

const DEMO_ARGS = {
  scene: {
    type: "string",
    description: "Play this scene (see --list)",
    valueHint: "NAME",
    offers: { words: SCENES.map((scene) => scene.name) },
  },
  list: { type: "boolean", description: "List the scenes" },
  serve: { type: "boolean", description: "Serve the scripted provider without starting opencode" },
  port: {
    type: "string",
    description: "Listen on this port with --serve (default: a free one)",
    valueHint: "PORT",
  },
  json: {
    type: "boolean",
    description: "Print JSON, with --list or --serve",
  },
} satisfies ArgDefs;

export const demoCommand = defineCommand({
  name: "demo",
  about: "Run opencode against a scripted provider whose keys fail",
  examples: [
    { line: "orouter demo", does: "choose a scene, then type anything in opencode" },
    { line: 'orouter demo -- run "say hello"', does: "one prompt, with each step reported" },
    { line: "orouter demo --scene plan", does: "another scene: keys whose plan lacks the model" },
    { line: "orouter demo --list", does: "the available scenes" },
    { line: "orouter demo --serve", does: "the scripted provider alone, for trying other tools" },
  ],
  args: DEMO_ARGS,
  rest: true,
  run: demo,
  children: {},
});

const PATH = ["orouter", "demo"];

async function demo(args: ArgsOf<typeof DEMO_ARGS>): Promise<number> {
  const asJson = args.json === true;
  if (args.list === true) {
    await listScenes(asJson);
    return EXIT.fine;
  }
  const isServing = args.serve === true;
  const port = portArg(args.port);
  if (!isServing) refuseServing({ asJson, port });
  const words = args._;
  refuseBareScene(words);
  const scene = await chooseScene({ name: args.scene, mayAsk: !isServing && words.length === 0 });
  if (scene === undefined) {
    say("No scene was chosen.");
    return EXIT.failed;
  }
  if (!isServing) {
    if (words.length === 0)
      requireTerminal({ name: "opencode", promptLine: 'orouter demo -- run "say hello"' });
    return playScene(scene, words);
  }
  await serveScene(scene, { port, asJson });
  return EXIT.fine;
}

/** opencode would treat the name as a folder. */
function refuseBareScene(words: readonly string[]): void {
  const [word = "", ...more] = words;
  if (more.length > 0 || findScene(word) === undefined) return;
  throw usageProblem(`A scene is chosen with a flag: orouter demo --scene ${word}.`, PATH);
}

function refuseServing({ asJson, port }: { asJson: boolean; port: number | undefined }): void {
  if (asJson) throw usageProblem("--json needs --list or --serve.", PATH);
  if (port !== undefined) throw usageProblem("--port needs --serve.", PATH);
}
