import { askChoice, askText, askYes, type MenuChoice, runMenu } from "../../cli/ask.ts";
import { looksLikeSecret } from "../../cli/command.ts";
import { talk } from "../../cli/talk.ts";
import { talkWidth } from "../../cli/text.ts";
import { keyTitle } from "../../core/key.ts";
import { type Cooldown, cooldownParty } from "../../core/routing/cooldown.ts";
import { keyReadiness, lastingCooldowns, readinessText } from "../../core/routing/readiness.ts";
import { STRATEGIES } from "../../core/routing/session.ts";
import { isKeyName } from "../../core/settings/keys.ts";
import { counted, formatClock } from "../../core/text.ts";
import { verdictWords } from "../../core/verdict/verdict.ts";
import { keepLoopbackDirect } from "../catalog.ts";
import { type CommandContext, readContext, readContextAgain } from "../context.ts";
import { readCooldowns } from "../state.ts";
import { addAsked } from "./keys-add.ts";
import {
  changeStrategy,
  endCooldowns,
  removeOwn,
  renameOwn,
  STRATEGY_WORDS,
  switchOwn,
} from "./keys-edit.ts";
import { exportKeys } from "./keys-export.ts";
import { importAsked } from "./keys-import.ts";
import { loadedKey, MODELS_LIMIT, tellKeyTests } from "./keys-test.ts";
import { describeKey, type ListedKey, listKeys, mustBeOwn } from "./own-key.ts";
import { testModels } from "./test-key.ts";

export interface KeyState {
  key: ListedKey;
  /** `ready`, `cooling down until 14:05: rate limit`, `disabled`, … */
  words: string;
  /** The cooldowns of single models with this key, the earliest end first. */
  lanes: readonly { model: string; cooldown: Cooldown }[];
}

export interface KeysNow {
  context: CommandContext;
  states: readonly KeyState[];
}

/** Reads files and state; keys of one provider are adjacent. */
export async function keysNow(before: Pick<CommandContext, "env">): Promise<KeysNow> {
  const context = await readContextAgain(before);
  // Commands that change the state report its faults; without a state every key counts as ready.
  const nowMs = Date.now();
  const lasting = lastingCooldowns(await readCooldowns(context), nowMs);
  const states = listKeys(context).map((key): KeyState => {
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
  return { context, states: [...byProvider.values()].flat() };
}

function wordsOf(readiness: string, lanes: number): string {
  if (lanes === 0) return readiness;
  return `${readiness}, ${lanes} ${lanes === 1 ? "model cooling down" : "models cooling down"}`;
}

interface OpenKey {
  provider: string;
  name: string;
  env: CommandContext["env"];
}

export async function openKeyMenu({ provider, name }: ListedKey): Promise<void> {
  const open: OpenKey = { provider, name, env: process.env };
  let title = "";
  await runMenu(
    () => title,
    async () => {
      const { context, states } = await keysNow(open);
      const state = states.find(({ key }) => key.provider === open.provider && key.name === open.name);
      title = state === undefined ? `${keyTitle(open)} is gone` : `${describeKey(state.key)}: ${state.words}`;
      const back: MenuChoice = { label: "Back", run: async () => "leave" };
      // The key may have been removed in another terminal.
      return state === undefined ? [back] : [...choicesFor(context, state, open), back];
    },
  );
}

function choicesFor(context: CommandContext, state: KeyState, open: OpenKey): MenuChoice[] {
  const { key, lanes } = state;
  // List impossible actions too, with a hint what to do instead.
  const away = key.source === "keys.toml" ? {} : { hint: "only for keys in keys.toml" };
  const deed = key.enabled ? "disable" : "enable";
  return [
    { label: "Test it", hint: "one small call", run: () => test(context, key) },
    {
      label: "Which models does it have?",
      hint: "one small request each",
      run: () => tryModels(context, key),
    },
    { label: "Rename it", ...away, run: () => rename(context, key, open) },
    {
      label: key.enabled ? "Disable it" : "Enable it",
      ...away,
      run: async () => {
        mustBeOwn(key, deed);
        await switchOwn(context, key, !key.enabled);
      },
    },
    { label: "End its cooldowns", run: () => endCooldowns(context, key, undefined) },
    ...(lanes.length === 0
      ? []
      : [
          {
            label: "End the cooldown of one model",
            hint: `${lanes.length} cooling down`,
            run: () => clearLane(context, state),
          },
        ]),
    { label: "Remove it", ...away, run: () => remove(context, key) },
  ];
}

async function test(context: CommandContext, key: ListedKey): Promise<void> {
  talk.info("Testing …");
  await tellKeyTests(context, [loadedKey(context, key)]);
}

async function tryModels(context: CommandContext, key: ListedKey): Promise<void> {
  const loaded = loadedKey(context, key);
  const answer = await askChoice("Which models?", [
    { value: "chains", label: "Models in chains and fallbacks" },
    { value: "all", label: "All models that the provider lists", hint: `at most ${MODELS_LIMIT}` },
  ]);
  if (answer === undefined) return;
  const choice = answer === "all" ? "all" : "chains";
  await testModels(context, [loaded], { choice, limit: MODELS_LIMIT, isSure: false, asJson: false });
}

async function rename(context: CommandContext, key: ListedKey, open: OpenKey): Promise<void> {
  mustBeOwn(key, "rename");
  const name = await askText("New name", { initial: key.name, fault: nameFault });
  if (name === undefined || name === key.name) return;
  await renameOwn(context, key, name);
  open.name = name;
}

function nameFault(name: string): string | undefined {
  if (looksLikeSecret(name)) return "This looks like a key. A name is shown everywhere.";
  return isKeyName(name) ? undefined : "Up to 64 letters, digits and . _ @ + -, no blanks.";
}

async function clearLane(context: CommandContext, { key, lanes }: KeyState): Promise<void> {
  const options = lanes.map(({ model, cooldown }) => ({
    value: model,
    label: model,
    hint: `${verdictWords(cooldown.kind)}, until ${formatClock(cooldown.untilMs, Date.now())}`,
  }));
  const model = await askChoice("Which model do you want to try again?", options);
  if (model !== undefined) await endCooldowns(context, key, model);
}

async function remove(context: CommandContext, key: ListedKey): Promise<"leave" | undefined> {
  mustBeOwn(key, "remove");
  return (await removeOwn(context, key, false)) ? "leave" : undefined;
}

export async function openKeysMenu(): Promise<void> {
  keepLoopbackDirect(process.env);
  const first = await readContext();
  let count = 0;
  await runMenu(
    () => (count === 0 ? "No keys yet" : counted(count, "key")),
    async () => {
      const now = await keysNow(first);
      count = now.states.length;
      return [...keyChoices(now), ...otherChoices(now)];
    },
  );
}

/** The width of the line on the left, the mark and the brackets of a hint. */
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

function otherChoices({ context, states }: KeysNow): MenuChoice[] {
  const { strategy } = context.settings.routing;
  const done: MenuChoice = { label: "Done", run: async () => "leave" };
  const bring: MenuChoice[] = [
    { label: "Add keys", run: () => addAsked(context) },
    {
      label: "Import keys",
      hint: "from older tools, the environment, opencode",
      run: () => importAsked(context),
    },
  ];
  const order: MenuChoice = {
    label: `Strategy: ${strategy}`,
    hint: STRATEGY_WORDS[strategy],
    run: () => chooseStrategy(context),
  };
  if (states.length === 0) return [...bring, order, done];
  return [
    ...bring,
    { label: "Export keys", run: () => exportAsked(context) },
    order,
    { label: "Test all keys", hint: "one small call each", run: () => testAll(context) },
    {
      label: "End all cooldowns",
      hint: cooldownsText(states),
      run: () => endCooldowns(context, undefined, undefined),
    },
    done,
  ];
}

async function testAll(context: CommandContext): Promise<void> {
  talk.info("Testing all keys …");
  await tellKeyTests(context, context.keys);
}

async function chooseStrategy({ paths, settings }: CommandContext): Promise<void> {
  const options = STRATEGIES.map((value) => {
    const now = value === settings.routing.strategy ? " (now)" : "";
    return { value, label: `${value}${now}`, hint: STRATEGY_WORDS[value] };
  });
  const answer = await askChoice("In which order are keys used?", options);
  const chosen = STRATEGIES.find((one) => one === answer);
  if (chosen !== undefined) await changeStrategy(paths, chosen);
}

const WITHOUT = "without";

async function exportAsked(context: CommandContext): Promise<void> {
  const kind = await askChoice("What do you want to export?", [
    { value: WITHOUT, label: "Names and fingerprints", hint: "without secrets" },
    {
      value: "with",
      label: "Include the secrets",
      hint: "for a copy or another machine; only you can read it",
    },
  ]);
  const file =
    kind === undefined
      ? undefined
      : await askText("Which file?", {
          initial: "orouter-keys.json",
          fault: (text) => (text === "" ? "Enter a name." : undefined),
        });
  if (file === undefined) {
    talk.info("Nothing was written.");
    return;
  }
  const mayReplace = (await Bun.file(file).exists()) && (await askYes(`${file} already exists. Replace it?`));
  await exportKeys(context, { withSecrets: kind !== WITHOUT, file, mayReplace });
}

function cooldownsText(states: readonly KeyState[]): string {
  const lanes = states.reduce((sum, { lanes: own }) => sum + own.length, 0);
  return lanes === 0 ? "of keys and models" : `${lanes} of single models`;
}
