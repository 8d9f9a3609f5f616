import { looksLikeSecret } from "../../../cli/looks-like-secret.ts";
import { type MenuChoice, runMenu } from "../../../cli/menu.ts";
import { askChoice, askText } from "../../../cli/prompts.ts";
import { talk } from "../../../cli/talk.ts";
import { formatClock } from "../../../core/clock-text.ts";
import { keyTitle } from "../../../core/key.ts";
import { isKeyName } from "../../../core/settings/key-entries.ts";
import { verdictWords } from "../../../core/verdict/verdict.ts";
import type { World } from "../../world.ts";
import { describeKey } from "../find-key.ts";
import { removeOwn } from "../keys-remove.ts";
import { renameOwn } from "../keys-rename.ts";
import { endRests } from "../keys-reset.ts";
import { switchOwn } from "../keys-switch.ts";
import type { ListedKey } from "../listed-key.ts";
import { mustBeOwn } from "../own-key.ts";
import { loadedKey, MODELS_LIMIT, tellKeyTests } from "../test/keys-test.ts";
import { testModels } from "../test/test-models.ts";
import { type KeyState, keysNow } from "./key-states.ts";

/** A key under the name it has at the moment. */
interface OpenKey {
  provider: string;
  name: string;
  /** Who asked, for reading the files again. */
  env: World["env"];
}

/** What can be done with one key. */
export async function openKeyMenu({ provider, name }: ListedKey): Promise<void> {
  const open: OpenKey = { provider, name, env: process.env };
  let title = "";
  await runMenu(
    () => title,
    async () => {
      const { world, states } = await keysNow(open);
      const state = states.find(({ key }) => key.provider === open.provider && key.name === open.name);
      title = state === undefined ? `${keyTitle(open)} is gone` : `${describeKey(state.key)}: ${state.words}`;
      const back: MenuChoice = { label: "Back", run: async () => "leave" };
      // It may have been removed in another terminal.
      return state === undefined ? [back] : [...choicesFor(world, state, open), back];
    },
  );
}

function choicesFor(world: World, state: KeyState, open: OpenKey): MenuChoice[] {
  const { key, lanes } = state;
  // What cannot be done is on the list all the same: it says what can be done instead.
  const away = key.source === "keys.toml" ? {} : { hint: "not here: the key is not in keys.toml" };
  const deed = key.enabled ? "disable" : "enable";
  return [
    { label: "Test it", hint: "one small call", run: () => test(world, key) },
    { label: "Which models does it have?", hint: "one small request each", run: () => tryModels(world, key) },
    { label: "Rename it", ...away, run: () => rename(world, key, open) },
    {
      label: key.enabled ? "Disable it" : "Enable it",
      ...away,
      run: async () => {
        mustBeOwn(key, deed);
        await switchOwn(world, key, !key.enabled);
      },
    },
    { label: "End its rests", run: async () => endRests(world, key, undefined) },
    ...(lanes.length === 0
      ? []
      : [
          {
            label: "End the rest of one model",
            hint: `${lanes.length} at rest`,
            run: () => clearLane(world, state),
          },
        ]),
    { label: "Remove it", ...away, run: () => remove(world, key) },
  ];
}

async function test(world: World, key: ListedKey): Promise<void> {
  talk.info("Asking …");
  await tellKeyTests(world, [loadedKey(world, key)]);
}

async function tryModels(world: World, key: ListedKey): Promise<void> {
  const loaded = loadedKey(world, key);
  const answer = await askChoice("Which models?", [
    { value: "chains", label: "Those that chains and fallbacks name" },
    { value: "all", label: "All that the provider lists", hint: `${MODELS_LIMIT} at the most` },
  ]);
  if (answer === undefined) return;
  const choice = answer === "all" ? "all" : "chains";
  await testModels(world, [loaded], { choice, limit: MODELS_LIMIT, isSure: false, asJson: false });
}

async function rename(world: World, key: ListedKey, open: OpenKey): Promise<void> {
  mustBeOwn(key, "rename");
  const name = await askText("Its new name", { initial: key.name, fault: nameFault });
  if (name === undefined || name === key.name) return;
  await renameOwn(world, key, name);
  open.name = name;
}

function nameFault(name: string): string | undefined {
  if (looksLikeSecret(name)) return "This looks like a key. A name is shown everywhere.";
  return isKeyName(name) ? undefined : "Up to 64 letters, digits and . _ @ + -, no blanks.";
}

async function clearLane(world: World, { key, lanes }: KeyState): Promise<void> {
  const options = lanes.map(({ model, rest }) => ({
    value: model,
    label: model,
    hint: `${verdictWords(rest.kind)}, until ${formatClock(rest.untilMs, Date.now())}`,
  }));
  const model = await askChoice("Which model is to be tried again?", options);
  if (model !== undefined) endRests(world, key, model);
}

async function remove(world: World, key: ListedKey): Promise<"leave" | undefined> {
  mustBeOwn(key, "remove");
  return (await removeOwn(world, key, false)) ? "leave" : undefined;
}
