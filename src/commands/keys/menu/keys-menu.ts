import { type MenuChoice, runMenu } from "../../../cli/menu.ts";
import { askChoice, askText, askYes } from "../../../cli/prompts.ts";
import { talk } from "../../../cli/talk.ts";
import { talkWidth } from "../../../cli/talk-width.ts";
import { counted } from "../../../core/counted.ts";
import { keyTitle } from "../../../core/key.ts";
import { STRATEGIES } from "../../../core/routing/strategy.ts";
import { keepLoopbackDirect } from "../../keep-loopback-direct.ts";
import { readWorld, type World } from "../../world.ts";
import { addAsked } from "../add/keys-add.ts";
import { importAsked } from "../import/keys-import.ts";
import { exportKeys } from "../keys-export.ts";
import { endRests } from "../keys-reset.ts";
import { changeStrategy, STRATEGY_WORDS } from "../keys-strategy.ts";
import { tellKeyTests } from "../test/keys-test.ts";
import { openKeyMenu } from "./key-menu.ts";
import { type KeyState, type KeysNow, keysNow } from "./key-states.ts";

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
      hint: restsText(states),
      run: async () => endRests(world, undefined, undefined),
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

function restsText(states: readonly KeyState[]): string {
  const lanes = states.reduce((sum, { lanes: own }) => sum + own.length, 0);
  return lanes === 0 ? "of keys and models" : `${lanes} of single models`;
}
