import { join } from "node:path";
import { findScene } from "../src/demo/scenes.ts";
import { filmSvg } from "./picture/film.ts";
import { openStage } from "./picture/stage.ts";

/** Plays a real session of the built program with the real opencode, and draws it: docs/picture.svg. */
const scene = findScene("rotation");
if (scene === undefined) throw new Error("the scene is gone");
/** opencode takes keys a little later than it shows its prompt. */
const SETTLED_MS = 2_000;
const CTRL_C = "\u0003";

const stage = await openStage(scene, 92, 26);
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
  const answered = await stage.without("Key changed");
  stage.type(CTRL_C);
  const ended = await stage.until("[orouter]");
  const scenes = [
    { frame: typed, seconds: 1.5 },
    { frame: asked, seconds: 2 },
    { frame: told, seconds: 3 },
    { frame: answered, seconds: 5 },
    { frame: ended, seconds: 4 },
  ];
  const file = join(import.meta.dir, "..", "docs", "picture.svg");
  await Bun.write(file, filmSvg(scenes, "orouter opencode: two keys are refused, the third answers"));
  console.log(file);
} finally {
  await stage.close();
}
