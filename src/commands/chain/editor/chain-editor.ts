import { type MenuChoice, runMenu } from "../../../cli/menu.ts";
import { askChoice, askText } from "../../../cli/prompts.ts";
import { talk } from "../../../cli/talk.ts";
import { addToChain, moveInChain } from "../../../config/edit-chains.ts";
import { counted } from "../../../core/counted.ts";
import { chainNameFault } from "../../../core/settings/chain-name.ts";
import { traitsText } from "../../models/model-words.ts";
import { addedText, orderText } from "../chain-add.ts";
import { removeWhole, takeOut } from "../chain-remove.ts";
import { giveName } from "../chain-rename.ts";
import type { ChainView } from "../chain-view.ts";
import { showTrial } from "../test/chain-test.ts";
import { type EditorDesk, lookAgain, openDesk, showChain } from "./editor-desk.ts";
import { fallbackMenu } from "./fallback-editor.ts";
import { ENOUGH, pickModel } from "./pick-model.ts";

/** Builds and changes chains by questions. Every change is in config.toml at once. */
export async function editChains(): Promise<void> {
  const desk = await openDesk();
  await runMenu("Chains", async () => {
    const { chains, fallbacks } = await lookAgain(desk);
    return [
      ...chains.map((chain) => ({
        label: chain.name,
        hint: chainHint(chain),
        run: () => chainMenu(desk, chain.name),
      })),
      { label: "New chain", run: () => makeChain(desk) },
      {
        label: "Fallbacks",
        hint: fallbacks.length === 0 ? "nothing stands behind single models" : "behind single models",
        run: () => fallbackMenu(desk),
      },
      { label: "Done", run: async () => "leave" as const },
    ];
  });
}

function chainHint({ members, traits }: ChainView): string {
  return `${counted(members.length, "model")}, ${traitsText(traits)}`;
}

async function chainMenu(desk: EditorDesk, name: string): Promise<void> {
  await runMenu(`Chain ${name}`, async () => {
    const view = await lookAgain(desk);
    showChain(name, view, desk);
    const entries = desk.world.settings.chains[name] ?? [];
    const back: MenuChoice = { label: "Back", run: async () => "leave" };
    // It may have been removed in another terminal.
    if (entries.length === 0) return [back];
    return [
      { label: "Add a model", run: () => addModel(desk, name) },
      ...(entries.length === 1 ? [] : severalChoices(desk, name, entries)),
      { label: "Test", hint: "one small request", run: () => testChain(desk, name) },
      { label: "Benchmark", hint: "three requests for each model", run: () => benchChain(name) },
      { label: "Rename", run: () => rename(desk, name) },
      { label: "Remove", run: () => remove(desk, name) },
      back,
    ];
  });
}

function severalChoices(desk: EditorDesk, name: string, entries: readonly string[]): MenuChoice[] {
  return [
    { label: "Move a model", run: () => moveModel(desk, name, entries) },
    { label: "Take a model out", run: () => takeModelOut(desk, name, entries) },
  ];
}

async function makeChain(desk: EditorDesk): Promise<void> {
  const { chains } = desk.world.settings;
  const name = await askText("Its name", {
    placeholder: "coding",
    fault: (text) => chainNameFault(text, chains),
  });
  if (name === undefined) return;
  for (let taken: readonly string[] = []; ; ) {
    const question = taken.length === 0 ? "Who is asked first?" : "And if that one cannot answer?";
    const model = await pickModel(desk, { question, taken, chain: name, mayEnd: taken.length > 0 });
    if (model === undefined || model === ENOUGH) return;
    taken = await addToChain(desk.world.paths, { chain: name, model });
    talk.success(addedText(name, taken));
  }
}

async function addModel(desk: EditorDesk, chain: string): Promise<void> {
  const taken = desk.world.settings.chains[chain] ?? [];
  const model = await pickModel(desk, { question: `Which model does ${chain} get?`, taken, chain });
  if (model === undefined) return;
  talk.success(addedText(chain, await addToChain(desk.world.paths, { chain, model })));
}

async function moveModel(desk: EditorDesk, chain: string, entries: readonly string[]): Promise<void> {
  const asked = await askEntry("Which model?", entries);
  if (asked === undefined) return;
  const places = entries.flatMap((entry, at) =>
    entry === asked ? [] : [{ value: String(at + 1), label: `${at + 1}`, hint: `where ${entry} is now` }],
  );
  const place = await askChoice(`Where does ${asked} go?`, places);
  if (place === undefined) return;
  const { models } = await moveInChain(desk.world.paths, { chain, asked }, Number(place));
  talk.success(orderText(chain, models));
}

async function takeModelOut(desk: EditorDesk, chain: string, entries: readonly string[]): Promise<void> {
  const asked = await askEntry("Which model?", entries);
  if (asked === undefined) return;
  await takeOut(desk.world.paths, chain, asked);
}

function askEntry(question: string, entries: readonly string[]): Promise<string | undefined> {
  return askChoice(
    question,
    entries.map((entry, at) => ({ value: entry, label: `${at + 1} ${entry}` })),
  );
}

async function rename(desk: EditorDesk, chain: string): Promise<"leave" | undefined> {
  const { [chain]: _own, ...others } = desk.world.settings.chains;
  const to = await askText("Its new name", { initial: chain, fault: (text) => chainNameFault(text, others) });
  if (to === undefined || to === chain) return undefined;
  await giveName(desk.world.paths, chain, to);
  return "leave";
}

async function remove(desk: EditorDesk, chain: string): Promise<"leave" | undefined> {
  return (await removeWhole(desk.world.paths, chain, false)) ? "leave" : undefined;
}

async function testChain(desk: EditorDesk, chain: string): Promise<void> {
  await showTrial(chain, desk.world, desk.catalog);
}

/** Loaded when it is wanted; what it finds is in the table that comes next. */
async function benchChain(chain: string): Promise<void> {
  const { benchVerb } = await import("../../bench/bench.ts");
  await benchVerb.run?.({ _: [chain] });
}
