import { runMenu } from "../../../cli/menu.ts";
import { askChoice, askYes } from "../../../cli/prompts.ts";
import { ANY_MODEL } from "../../../core/model-ref.ts";
import { leaveNothing, putBehind } from "../chain-fallback.ts";
import { singleName } from "../chains-text.ts";
import { type EditorDesk, lookAgain } from "./editor-desk.ts";
import { ENOUGH, pickModel } from "./pick-model.ts";

/** What stands behind single models, by questions. */
export async function fallbackMenu(desk: EditorDesk): Promise<void> {
  await runMenu("Behind single models", async () => {
    const { fallbacks } = await lookAgain(desk);
    return [
      ...fallbacks.map(({ model, entries }) => ({
        label: singleName(model),
        hint: entries.join(", "),
        run: () => changeFallback(desk, model),
      })),
      { label: "New fallback", run: () => makeFallback(desk) },
      { label: "Back", run: async () => "leave" as const },
    ];
  });
}

async function makeFallback(desk: EditorDesk): Promise<void> {
  const { fallbacks } = desk.world.settings;
  const single = Object.hasOwn(fallbacks, ANY_MODEL) ? "one" : await askBehind();
  if (single === undefined) return;
  const taken = [...Object.keys(fallbacks), ...Object.keys(desk.world.settings.chains)];
  const model =
    single === ANY_MODEL ? single : await pickModel(desk, { question: "Behind which model?", taken });
  if (model !== undefined) await fillFallback(desk, model);
}

function askBehind(): Promise<string | undefined> {
  return askChoice("Behind which model?", [
    { value: ANY_MODEL, label: "Every model that has nothing of its own" },
    { value: "one", label: "One model" },
  ]);
}

async function changeFallback(desk: EditorDesk, model: string): Promise<void> {
  const answer = await askChoice(singleName(model), [
    { value: "fill", label: "Choose anew what stands behind it" },
    { value: "remove", label: "Leave nothing behind it" },
  ]);
  if (answer === "fill") await fillFallback(desk, model);
  if (answer !== "remove" || !(await askYes(`Leave nothing behind ${singleName(model)}?`))) return;
  await leaveNothing(desk.world.paths, model);
}

/** All of it is chosen before any of it is written: half a list would be another list. */
async function fillFallback(desk: EditorDesk, model: string): Promise<void> {
  const behind: string[] = [];
  for (;;) {
    const question = behind.length === 0 ? "Who is asked in its place?" : "And if that one cannot answer?";
    const taken = [model, ...behind];
    const next = await pickModel(desk, { question, taken, mayEnd: behind.length > 0 });
    if (next === undefined) return;
    if (next === ENOUGH) break;
    behind.push(next);
  }
  await putBehind(desk.world.paths, model, behind);
}
