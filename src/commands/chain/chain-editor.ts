import { FETCH_POLICIES } from "../../catalog/cache.ts";
import { askChoice, askText, askYes, type MenuChoice, type PromptOption, runMenu } from "../../cli/ask.ts";
import { paintFor } from "../../cli/colour.ts";
import { say, talk } from "../../cli/talk.ts";
import { talkWidth, wrapText } from "../../cli/text.ts";
import { addToChain, moveInChain } from "../../config/config-edits.ts";
import type { Catalog } from "../../core/catalog/catalog.ts";
import { ANY_MODEL } from "../../core/model-ref.ts";
import { Problem } from "../../core/problem.ts";
import { chainNameFault, circleThrough } from "../../core/settings/chains.ts";
import { counted } from "../../core/text.ts";
import { openCatalog, providersWithKey } from "../catalog.ts";
import { type CommandContext, readContext, readContextAgain } from "../context.ts";
import { choiceHint, listedModels, traitsText } from "../models/models-list.ts";
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

export interface EditorContext {
  context: CommandContext;
  readonly catalog: Catalog;
}

export async function openDesk(): Promise<EditorContext> {
  const context = await readContext();
  const { catalog } = await openCatalog(context, FETCH_POLICIES.info);
  return { context, catalog };
}

/** Reads the files again, since another program may have changed them. */
export async function lookAgain(editor: EditorContext): Promise<ChainsView> {
  editor.context = await readContextAgain(editor.context);
  return await viewChains(editor.context, editor.catalog);
}

/** Goes to stderr, like the questions. */
export function showChain(name: string, { chains, nowMs }: ChainsView, editor: EditorContext): void {
  const chain = chains.find((one) => one.name === name);
  if (chain === undefined) return;
  const paint = paintFor(process.stderr, editor.context.settings.theme);
  const width = talkWidth();
  const notes = leftOutNote(chain).flatMap((note) => wrapText(note, width));
  say(["", chainTable([chain], nowMs, { width, paint }), ...notes].join("\n"));
}

export interface Pick {
  question: string;
  taken: readonly string[];
  /** Left out of the choices, so that the chain does not contain itself. */
  chain?: string;
  mayEnd?: boolean;
}

/** No model can have this name. */
export const ENOUGH = " enough";
const TYPED = " typed";

export async function pickModel(editor: EditorContext, pick: Pick): Promise<string | undefined> {
  const answer = await askChoice(pick.question, [
    ...(pick.mayEnd === true ? [{ value: ENOUGH, label: "Done" }] : []),
    ...chainOptions(editor, pick),
    ...modelOptions(editor, pick),
    { value: TYPED, label: "Another model", hint: "type its name" },
  ]);
  return answer === TYPED ? await typeModel(editor) : answer;
}

async function typeModel(editor: EditorContext): Promise<string | undefined> {
  const text = await askText("Model, as provider/model", {
    placeholder: "ollama-cloud/gpt-oss:120b",
    fault: (answer) => faultOf(() => namedEntry(answer, editor.context, editor.catalog)),
  });
  if (text === undefined) return undefined;
  const { entry, notes } = namedEntry(text, editor.context, editor.catalog);
  for (const note of notes) talk.warn(note);
  return entry;
}

function faultOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return error.message;
    throw error;
  }
}

function chainOptions({ context }: EditorContext, { taken, chain }: Pick): PromptOption[] {
  const { chains } = context.settings;
  const isCircle = (name: string): boolean =>
    chain !== undefined &&
    circleThrough(chain, { ...chains, [chain]: [...(chains[chain] ?? []), name] }) !== undefined;
  return Object.keys(chains)
    .filter((name) => name !== chain && !taken.includes(name) && !isCircle(name))
    .map((name) => ({ value: name, label: name, hint: "the models of this chain" }));
}

function modelOptions({ context, catalog }: EditorContext, { taken }: Pick): PromptOption[] {
  const providers = providersWithKey(context).map((provider) => provider.id);
  return listedModels(catalog, providers, context.settings)
    .map((entry) => ({ name: `${entry.provider}/${entry.id}`, entry }))
    .filter(({ name }) => !taken.includes(name))
    .map(({ name, entry }) => ({ value: name, label: name, hint: choiceHint(entry) }));
}

export async function fallbackMenu(editor: EditorContext): Promise<void> {
  await runMenu("Fallbacks of single models", async () => {
    const { fallbacks } = await lookAgain(editor);
    return [
      ...fallbacks.map(({ model, entries }) => ({
        label: singleName(model),
        hint: entries.join(", "),
        run: () => changeFallback(editor, model),
      })),
      { label: "New fallback", run: () => makeFallback(editor) },
      { label: "Back", run: async () => "leave" as const },
    ];
  });
}

async function makeFallback(editor: EditorContext): Promise<void> {
  const { fallbacks } = editor.context.settings;
  const single = Object.hasOwn(fallbacks, ANY_MODEL) ? "one" : await askBehind();
  if (single === undefined) return;
  const taken = [...Object.keys(fallbacks), ...Object.keys(editor.context.settings.chains)];
  const model =
    single === ANY_MODEL ? single : await pickModel(editor, { question: "Fallback of which model?", taken });
  if (model !== undefined) await fillFallback(editor, model);
}

function askBehind(): Promise<string | undefined> {
  return askChoice("Fallback of which model?", [
    { value: ANY_MODEL, label: "Every model without its own fallback" },
    { value: "one", label: "One model" },
  ]);
}

async function changeFallback(editor: EditorContext, model: string): Promise<void> {
  const answer = await askChoice(singleName(model), [
    { value: "fill", label: "Replace its fallback" },
    { value: "remove", label: "Remove its fallback" },
  ]);
  if (answer === "fill") await fillFallback(editor, model);
  if (answer !== "remove" || !(await askYes(`Remove the fallback of ${singleName(model)}?`))) return;
  await leaveNothing(editor.context.paths, model);
}

/** Choose the whole list before writing it: half a list would be a different list. */
async function fillFallback(editor: EditorContext, model: string): Promise<void> {
  const behind: string[] = [];
  for (;;) {
    const question =
      behind.length === 0 ? "Which model is tried instead?" : "Which model is tried after that?";
    const taken = [model, ...behind];
    const next = await pickModel(editor, { question, taken, mayEnd: behind.length > 0 });
    if (next === undefined) return;
    if (next === ENOUGH) break;
    behind.push(next);
  }
  await putBehind(editor.context.paths, model, behind);
}

export async function editChains(): Promise<void> {
  const editor = await openDesk();
  await runMenu("Chains", async () => {
    const { chains, fallbacks } = await lookAgain(editor);
    return [
      ...chains.map((chain) => ({
        label: chain.name,
        hint: chainHint(chain),
        run: () => chainMenu(editor, chain.name),
      })),
      { label: "New chain", run: () => makeChain(editor) },
      {
        label: "Fallbacks",
        hint: fallbacks.length === 0 ? "no fallbacks of single models" : "fallbacks of single models",
        run: () => fallbackMenu(editor),
      },
      { label: "Done", run: async () => "leave" as const },
    ];
  });
}

function chainHint({ members, traits }: ChainView): string {
  return `${counted(members.length, "model")}, ${traitsText(traits)}`;
}

async function chainMenu(editor: EditorContext, name: string): Promise<void> {
  await runMenu(`Chain ${name}`, async () => {
    const view = await lookAgain(editor);
    showChain(name, view, editor);
    const entries = editor.context.settings.chains[name] ?? [];
    const back: MenuChoice = { label: "Back", run: async () => "leave" };
    // The chain may have been removed in another terminal.
    if (entries.length === 0) return [back];
    return [
      { label: "Add a model", run: () => addModel(editor, name) },
      ...(entries.length === 1 ? [] : severalChoices(editor, name, entries)),
      { label: "Test", hint: "one small request", run: () => testChain(editor, name) },
      { label: "Benchmark", hint: "three requests for each model", run: () => benchChain(name) },
      { label: "Rename", run: () => rename(editor, name) },
      { label: "Remove the chain", run: () => remove(editor, name) },
      back,
    ];
  });
}

function severalChoices(editor: EditorContext, name: string, entries: readonly string[]): MenuChoice[] {
  return [
    { label: "Move a model", run: () => moveModel(editor, name, entries) },
    { label: "Remove a model", run: () => takeModelOut(editor, name, entries) },
  ];
}

async function makeChain(editor: EditorContext): Promise<void> {
  const { chains } = editor.context.settings;
  const name = await askText("Chain name", {
    placeholder: "coding",
    fault: (text) => chainNameFault(text, chains),
  });
  if (name === undefined) return;
  for (let taken: readonly string[] = []; ; ) {
    const question = taken.length === 0 ? "Which model is tried first?" : "Which model is tried after that?";
    const model = await pickModel(editor, { question, taken, chain: name, mayEnd: taken.length > 0 });
    if (model === undefined || model === ENOUGH) return;
    taken = await addToChain(editor.context.paths, { chain: name, model });
    talk.success(addedText(name, taken));
  }
}

async function addModel(editor: EditorContext, chain: string): Promise<void> {
  const taken = editor.context.settings.chains[chain] ?? [];
  const model = await pickModel(editor, {
    question: `Which model do you want to add to ${chain}?`,
    taken,
    chain,
  });
  if (model === undefined) return;
  talk.success(addedText(chain, await addToChain(editor.context.paths, { chain, model })));
}

async function moveModel(editor: EditorContext, chain: string, entries: readonly string[]): Promise<void> {
  const asked = await askEntry("Which model?", entries);
  if (asked === undefined) return;
  const places = entries.flatMap((entry, at) =>
    entry === asked ? [] : [{ value: String(at + 1), label: `${at + 1}`, hint: `where ${entry} is now` }],
  );
  const place = await askChoice(`To which position does ${asked} move?`, places);
  if (place === undefined) return;
  const { models } = await moveInChain(editor.context.paths, { chain, asked }, Number(place));
  talk.success(orderText(chain, models));
}

async function takeModelOut(editor: EditorContext, chain: string, entries: readonly string[]): Promise<void> {
  const asked = await askEntry("Which model?", entries);
  if (asked === undefined) return;
  await takeOut(editor.context.paths, chain, asked);
}

function askEntry(question: string, entries: readonly string[]): Promise<string | undefined> {
  return askChoice(
    question,
    entries.map((entry, at) => ({ value: entry, label: `${at + 1} ${entry}` })),
  );
}

async function rename(editor: EditorContext, chain: string): Promise<"leave" | undefined> {
  const { [chain]: _own, ...others } = editor.context.settings.chains;
  const to = await askText("New name", { initial: chain, fault: (text) => chainNameFault(text, others) });
  if (to === undefined || to === chain) return undefined;
  await giveName(editor.context.paths, chain, to);
  return "leave";
}

async function remove(editor: EditorContext, chain: string): Promise<"leave" | undefined> {
  return (await removeWhole(editor.context.paths, chain, false)) ? "leave" : undefined;
}

async function testChain(editor: EditorContext, chain: string): Promise<void> {
  await showTrial(chain, editor.context, editor.catalog);
}

async function benchChain(chain: string): Promise<void> {
  const { bench } = await import("../bench/bench.ts");
  await bench({ _: [chain] });
}
