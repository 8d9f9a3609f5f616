import { PATIENCE } from "../../catalog/cache.ts";
import { askChoice, askText, askYes, type PromptOption } from "../../cli/ask.ts";
import { paintFor } from "../../cli/colour.ts";
import { type MenuChoice, runMenu } from "../../cli/menu.ts";
import { say, talk } from "../../cli/talk.ts";
import { talkWidth, wrapText } from "../../cli/text.ts";
import { addToChain, moveInChain } from "../../config/edit-chains.ts";
import type { Catalog } from "../../core/catalog/catalog.ts";
import { counted } from "../../core/counted.ts";
import { ANY_MODEL } from "../../core/model-ref.ts";
import { Problem } from "../../core/problem.ts";
import { chainNameFault, circleThrough } from "../../core/settings/chains.ts";
import { choiceHint, listedModels, traitsText } from "../models/models-list.ts";
import { openCatalog, providersWithKey } from "../models/open-catalog.ts";
import { readAgain, readWorld, type World } from "../world.ts";
import {
  addedText,
  giveName,
  leaveNothing,
  namedEntry,
  orderText,
  putBehind,
  removeWhole,
  takeOut,
} from "./chain-edits.ts";
import {
  type ChainsView,
  type ChainView,
  chainTable,
  leftOutNote,
  singleName,
  viewChains,
} from "./chain-list.ts";
import { showTrial } from "./chain-test.ts";

/** What the editor works with: the settings as they are after each change, and the models to choose from. */
export interface EditorDesk {
  world: World;
  readonly catalog: Catalog;
}

export async function openDesk(): Promise<EditorDesk> {
  const world = await readWorld();
  const { catalog } = await openCatalog(world, PATIENCE.info);
  return { world, catalog };
}

/** Reads the files again, since any change may have come in between, and looks at the chains. */
export async function lookAgain(desk: EditorDesk): Promise<ChainsView> {
  desk.world = await readAgain(desk.world);
  return await viewChains(desk.world, desk.catalog);
}

/** Shows one chain above its menu: like the questions it is talk. */
export function showChain(name: string, { chains, nowMs }: ChainsView, desk: EditorDesk): void {
  const chain = chains.find((one) => one.name === name);
  if (chain === undefined) return;
  const paint = paintFor(process.stderr, desk.world.settings.theme);
  const width = talkWidth();
  const notes = leftOutNote(chain).flatMap((note) => wrapText(note, width));
  say(["", chainTable([chain], nowMs, { width, paint }), ...notes].join("\n"));
}

/** What a model is picked for. */
export interface Pick {
  question: string;
  /** Models that are in the list already. */
  taken: readonly string[];
  /** The chain they are picked for, so that it does not lead back to itself. */
  chain?: string;
  /** Whether one may say that there are enough. */
  mayEnd?: boolean;
}

/** What a person says who wants no more; no model has such a name. */
export const ENOUGH = " enough";
const TYPED = " typed";

/** Lets a person choose a model or a chain from all that is known. Undefined: they left. */
export async function pickModel(desk: EditorDesk, pick: Pick): Promise<string | undefined> {
  const answer = await askChoice(pick.question, [
    ...(pick.mayEnd === true ? [{ value: ENOUGH, label: "That is all" }] : []),
    ...chainOptions(desk, pick),
    ...modelOptions(desk, pick),
    { value: TYPED, label: "Another one", hint: "type its name" },
  ]);
  return answer === TYPED ? await typeModel(desk) : answer;
}

async function typeModel(desk: EditorDesk): Promise<string | undefined> {
  const text = await askText("Its name, as provider/model", {
    placeholder: "ollama-cloud/gpt-oss:120b",
    fault: (answer) => faultOf(() => namedEntry(answer, desk.world, desk.catalog)),
  });
  if (text === undefined) return undefined;
  const { entry, notes } = namedEntry(text, desk.world, desk.catalog);
  for (const note of notes) talk.warn(note);
  return entry;
}

/** The foreseen failure of some work, in words. */
function faultOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return error.message;
    throw error;
  }
}

function chainOptions({ world }: EditorDesk, { taken, chain }: Pick): PromptOption[] {
  const { chains } = world.settings;
  const isCircle = (name: string): boolean =>
    chain !== undefined &&
    circleThrough(chain, { ...chains, [chain]: [...(chains[chain] ?? []), name] }) !== undefined;
  return Object.keys(chains)
    .filter((name) => name !== chain && !taken.includes(name) && !isCircle(name))
    .map((name) => ({ value: name, label: name, hint: "the models of this chain" }));
}

function modelOptions({ world, catalog }: EditorDesk, { taken }: Pick): PromptOption[] {
  const providers = providersWithKey(world).map((provider) => provider.id);
  return listedModels(catalog, providers, world.settings)
    .map((entry) => ({ name: `${entry.provider}/${entry.id}`, entry }))
    .filter(({ name }) => !taken.includes(name))
    .map(({ name, entry }) => ({ value: name, label: name, hint: choiceHint(entry) }));
}

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
  const { benchVerb } = await import("../bench/bench.ts");
  await benchVerb.run?.({ _: [chain] });
}
