import { join } from "node:path";
import { findScene } from "../src/demo/scenes.ts";
import { filmSvg } from "./picture/film.ts";
import { openStage } from "./picture/stage.ts";

/** Runs a real session of the built program with the real opencode, and draws it as docs/picture.svg. */
const scene = findScene("rotation");
if (scene === undefined) throw new Error("there is no scene named rotation");
/** opencode accepts input a little later than it shows its prompt. */
const SETTLED_MS = 2_000;
const TITLE = "orouter opencode: two keys fail (401, weekly limit), the third key answers";
const CTRL_C = "\u0003";

const stage = await openStage(scene, 92, 22);
try {
  await stage.until("❯");
  stage.type("orouter opencode");
  const typed = await stage.until("orouter opencode");
  stage.type("\r");
  await stage.until("coding");
  await Bun.sleep(SETTLED_MS);
  stage.type("say hello");
  const asked = await stage.until("say hello");
  stage.type("\r");
  const told = await stage.until("Key changed");
  await stage.without("Key changed");
  const answered = await stage.without("interrupt");
  stage.type(CTRL_C);
  const ended = await stage.until("[orouter]");
  // The result comes first: it is what a still picture shows.
  const scenes = [
    { frame: answered, seconds: 5 },
    { frame: ended, seconds: 4 },
    { frame: typed, seconds: 1.5 },
    { frame: asked, seconds: 2 },
    { frame: told, seconds: 3 },
  ];
  const file = join(import.meta.dir, "..", "docs", "picture.svg");
  await Bun.write(file, filmSvg(stage.keyLines(), scenes, TITLE));
  console.log(file);
} finally {
  await stage.close();
}
