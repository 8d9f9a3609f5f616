import { askChoice, askText, askYes } from "../../cli/ask.ts";
import { looksLikeSecret } from "../../cli/command.ts";
import { type MenuChoice, runMenu } from "../../cli/menu.ts";
import { talk } from "../../cli/talk.ts";
import { talkWidth } from "../../cli/text.ts";
import { formatClock } from "../../core/clock-text.ts";
import { counted } from "../../core/counted.ts";
import { keyTitle } from "../../core/key.ts";
import { type Cooldown, cooldownParty } from "../../core/routing/cooldown.ts";
import { keyReadiness, lastingCooldowns, readinessText } from "../../core/routing/readiness.ts";
import { STRATEGIES } from "../../core/routing/session.ts";
import { isKeyName } from "../../core/settings/keys.ts";
import { verdictWords } from "../../core/verdict/verdict.ts";
import { keepLoopbackDirect } from "../keep-loopback-direct.ts";
import { readCooldowns } from "../state.ts";
import { readAgain, readWorld, type World } from "../world.ts";
import { addAsked } from "./keys-add.ts";
import { changeStrategy, removeOwn, renameOwn, STRATEGY_WORDS, switchOwn } from "./keys-edit.ts";
import { exportKeys } from "./keys-export.ts";
import { importAsked } from "./keys-import.ts";
import { endCooldowns } from "./keys-reset.ts";
import { loadedKey, MODELS_LIMIT, tellKeyTests } from "./keys-test.ts";
import { describeKey, type ListedKey, listKeys, mustBeOwn } from "./own-key.ts";
import { testModels } from "./test-key.ts";

/** A key as the menu shows it. */
export interface KeyState {
  key: ListedKey;
  /** `ready`, `rests until 14:05: rate limit`, `disabled`, … */
  words: string;
  /** The cooldowns of single models with this key, the first to end in front. */
  lanes: readonly { model: string; cooldown: Cooldown }[];
}

/** How things are now; the files are read again. */
export interface KeysNow {
  world: World;
  states: readonly KeyState[];
}

/** Reads files and state; keys of one provider stand together. */
export async function keysNow(before: Pick<World, "env">): Promise<KeysNow> {
  const world = await readAgain(before);
  // What is wrong with the state is said where it is changed; without it every key is thought to be ready.
  const nowMs = Date.now();
  const lasting = lastingCooldowns(await readCooldowns(world), nowMs);
  const states = listKeys(world).map((key): KeyState => {
    const own = [...lasting.values()].flatMap((cooldown) => {
      const { fingerprint, model } = cooldownParty(cooldown);
      return fingerprint !== undefined && fingerprint === key.fingerprint && model !== undefined
        ? [{ model, cooldown }]
        : [];
    });
    const lanes = own
      .filter(({ model }) => model.startsWith(`${key.provider}/`))
      .toSorted((a, b) => a.cooldown.untilMs - b.cooldown.untilMs);
    return { key, words: wordsOf(readinessText(keyReadiness(key, lasting), nowMs), lanes.length), lanes };
  });
  const byProvider = Map.groupBy(states, ({ key }) => key.provider);
  return { world, states: [...byProvider.values()].flat() };
}

function wordsOf(readiness: string, lanes: number): string {
  if (lanes === 0) return readiness;
  return `${readiness}, ${lanes} ${lanes === 1 ? "model rests" : "models rest"}`;
}

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
    { label: "End its rests", run: async () => endCooldowns(world, key, undefined) },
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
  const options = lanes.map(({ model, cooldown }) => ({
    value: model,
    label: model,
    hint: `${verdictWords(cooldown.kind)}, until ${formatClock(cooldown.untilMs, Date.now())}`,
  }));
  const model = await askChoice("Which model is to be tried again?", options);
  if (model !== undefined) await endCooldowns(world, key, model);
}

async function remove(world: World, key: ListedKey): Promise<"leave" | undefined> {
  mustBeOwn(key, "remove");
  return (await removeOwn(world, key, false)) ? "leave" : undefined;
}

/** The keys and everything that can be done with them, by questions. Every choice takes effect at once. */
export async function openKeysMenu(): Promise<void> {
  keepLoopbackDirect(process.env);
  const first = await readWorld();
  let count = 0;
  await runMenu(
    () => (count === 0 ? "There is no key yet" : counted(count, "key")),
    async () => {
      const now = await keysNow(first);
      count = now.states.length;
      return [...keyChoices(now), ...otherChoices(now)];
    },
  );
}

/** What a list has around its words: the line on the left, the mark, and the brackets of a hint. */
const LINE_EDGES = 8;

function keyChoices({ states }: KeysNow): MenuChoice[] {
  const width = Math.max(...states.map(({ key }) => Bun.stringWidth(keyTitle(key))));
  return states.map(({ key, words }) => {
    const label = `${keyTitle(key)}${" ".repeat(width - Bun.stringWidth(keyTitle(key)))}  ${words}`;
    const hint = key.fingerprint ?? "no secret";
    const hasRoom = LINE_EDGES + Bun.stringWidth(label) + hint.length <= talkWidth();
    return { label, ...(hasRoom ? { hint } : {}), run: () => openKeyMenu(key) };
  });
}

function otherChoices({ world, states }: KeysNow): MenuChoice[] {
  const { strategy } = world.settings.routing;
  const done: MenuChoice = { label: "Done", run: async () => "leave" };
  const bring: MenuChoice[] = [
    { label: "Add keys", run: () => addAsked(world) },
    {
      label: "Import keys",
      hint: "from older tools, the environment, opencode",
      run: () => importAsked(world),
    },
  ];
  const order: MenuChoice = {
    label: `Strategy: ${strategy}`,
    hint: STRATEGY_WORDS[strategy],
    run: () => chooseStrategy(world),
  };
  if (states.length === 0) return [...bring, order, done];
  return [
    ...bring,
    { label: "Export keys", run: () => exportAsked(world) },
    order,
    { label: "Test all keys", hint: "one small call each", run: () => testAll(world) },
    {
      label: "End all rests",
      hint: cooldownsText(states),
      run: async () => endCooldowns(world, undefined, undefined),
    },
    done,
  ];
}

async function testAll(world: World): Promise<void> {
  talk.info("Asking each of them …");
  await tellKeyTests(world, world.keys);
}

async function chooseStrategy({ paths, settings }: World): Promise<void> {
  const options = STRATEGIES.map((value) => {
    const now = value === settings.routing.strategy ? " (now)" : "";
    return { value, label: `${value}${now}`, hint: STRATEGY_WORDS[value] };
  });
  const answer = await askChoice("In which order are healthy keys used?", options);
  const chosen = STRATEGIES.find((one) => one === answer);
  if (chosen !== undefined) await changeStrategy(paths, chosen);
}

const WITHOUT = "without";

async function exportAsked(world: World): Promise<void> {
  const kind = await askChoice("What is to be in the file?", [
    { value: WITHOUT, label: "Names and fingerprints", hint: "for a look" },
    {
      value: "with",
      label: "The keys themselves, too",
      hint: "for a copy or another machine; only you can read it",
    },
  ]);
  const file =
    kind === undefined
      ? undefined
      : await askText("Which file?", {
          initial: "orouter-keys.json",
          fault: (text) => (text === "" ? "It needs a name." : undefined),
        });
  if (file === undefined) {
    talk.info("Nothing was written.");
    return;
  }
  const mayReplace =
    (await Bun.file(file).exists()) && (await askYes(`${file} is there already. Replace it?`));
  await exportKeys(world, { withSecrets: kind !== WITHOUT, file, mayReplace });
}

function cooldownsText(states: readonly KeyState[]): string {
  const lanes = states.reduce((sum, { lanes: own }) => sum + own.length, 0);
  return lanes === 0 ? "of keys and models" : `${lanes} of single models`;
}
