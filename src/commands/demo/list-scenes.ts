import { out, outJson } from "../../cli/io.ts";
import { paintFor } from "../../cli/paint.ts";
import { outputWidth } from "../../cli/table.ts";
import { hangingLines } from "../../cli/wrap-text.ts";
import { loadConfig } from "../../config/load.ts";
import { resolvePaths } from "../../config/paths.ts";
import { SCENES } from "../../demo/scenes.ts";

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
