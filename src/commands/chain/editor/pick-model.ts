import { askChoice, askText, type PromptOption } from "../../../cli/prompts.ts";
import { talk } from "../../../cli/talk.ts";
import { Problem } from "../../../core/problem.ts";
import { circleThrough } from "../../../core/settings/chains.ts";
import { listedModels } from "../../models/listed-models.ts";
import { choiceHint } from "../../models/model-words.ts";
import { providersWithKey } from "../../models/open-catalog.ts";
import { namedEntry } from "../chain-names.ts";
import type { EditorDesk } from "./editor-desk.ts";

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
