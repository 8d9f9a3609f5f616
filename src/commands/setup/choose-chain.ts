import type { Guide } from "../../cli/guide.ts";
import { askChoice, askText, type PromptOption } from "../../cli/prompts.ts";
import type { ConfigAddition } from "../../config/first-config.ts";
import { freeName } from "../../core/free-name.ts";
import { parseModelRef } from "../../core/model-ref.ts";
import { chainNameFault } from "../../core/settings/chain-name.ts";
import type { Provider } from "../../core/settings/provider.ts";
import type { Settings } from "../../core/settings/settings.ts";
import { answered } from "./answered.ts";
import type { LoadedModels } from "./load-models.ts";
import { modelOptions } from "./model-options.ts";

/** What a chain is built from. */
interface ChainParts {
  guide: Guide;
  settings: Settings;
  /** Those with a key. */
  providers: readonly Provider[];
  models: LoadedModels;
}

type Chain = ConfigAddition["chain"];

/** No model is called so: it has no provider. */
const TYPED = "type";
const NONE = "none";

const USUAL_NAME = "coding";

/** Lets a person choose the model to start with, and what stands behind it. Undefined: none for now. */
export async function chooseChain(parts: ChainParts): Promise<Chain> {
  const { guide, settings, models } = parts;
  if (models.notes.length > 0) guide.warn(...models.notes);
  const [first] = Object.keys(settings.chains);
  if (first !== undefined && !(await wantsAnother(first))) return undefined;
  const listed = modelOptions({ ...parts, catalog: models.catalog });
  const chosen = await chooseModels(parts, listed);
  if (chosen.length === 0) return undefined;
  const name = answered(
    await askText("Name of this chain (in opencode it is the model orouter/NAME)", {
      initial: freeName(USUAL_NAME, (name) => Object.hasOwn(settings.chains, name)),
      fault: (text) => chainNameFault(text, settings.chains),
    }),
  );
  return { name, models: chosen };
}

async function wantsAnother(first: string): Promise<boolean> {
  const choice = await askChoice("Which model does opencode start with?", [
    { value: "keep", label: `orouter/${first}, as it is now` },
    { value: "more", label: "As it is now, and build another chain to choose from" },
  ]);
  return answered(choice) === "more";
}

async function chooseModels(parts: ChainParts, listed: readonly PromptOption[]): Promise<string[]> {
  const chosen: string[] = [];
  for (;;) {
    const left = listed.filter(({ value }) => !chosen.includes(value));
    const isFirst = chosen.length === 0;
    const message = isFirst ? "Which model is asked first?" : `And when ${chosen.at(-1)} cannot answer?`;
    const choice = answered(await askChoice(message, isFirst ? firstOptions(left) : nextOptions(left)));
    if (choice === NONE) return chosen;
    const model = choice === TYPED ? await typeModel(parts, chosen) : choice;
    chosen.push(model);
  }
}

/** What surely works is a press of Enter away, the ways around it beside it. */
function firstOptions(models: readonly PromptOption[]): PromptOption[] {
  const others = [
    { value: TYPED, label: "A model that is not on the list", hint: "you type its name" },
    { value: NONE, label: "None for now", hint: "you choose in opencode" },
  ];
  return [...models.slice(0, 1), ...others, ...models.slice(1)];
}

function nextOptions(models: readonly PromptOption[]): PromptOption[] {
  return [
    { value: NONE, label: "Nothing more: that is the order" },
    ...models,
    { value: TYPED, label: "A model that is not on the list", hint: "you type its name" },
  ];
}

async function typeModel({ providers }: ChainParts, chosen: readonly string[]): Promise<string> {
  const ids = providers.map(({ id }) => id);
  return answered(
    await askText("Its name, as provider/model", {
      initial: ids.length === 1 ? `${ids[0]}/` : "",
      placeholder: `${ids[0]}/…`,
      fault: (text) => {
        const ref = parseModelRef(text);
        if (ref === undefined || !ids.includes(ref.provider)) {
          return `A service you have a key for, a slash and the model: ${ids.map((id) => `${id}/…`).join(", ")}`;
        }
        return chosen.includes(text) ? "It is in the order already." : undefined;
      },
    }),
  );
}
