import { isInteractive } from "../../cli/io.ts";
import { askChoice } from "../../cli/prompts.ts";
import { usageProblem } from "../../cli/usage-problem.ts";
import { didYouMean, nearest } from "../../core/nearest.ts";
import type { Scene } from "../../demo/scene.ts";
import { findScene, SCENES } from "../../demo/scenes.ts";

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
