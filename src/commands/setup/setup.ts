import { askYes, type Guide, openGuide } from "../../cli/ask.ts";
import { type ArgDefs, defineCommand, usageProblem } from "../../cli/command.ts";
import { holdKeyboard } from "../../cli/keyboard.ts";
import { isInteractive } from "../../cli/talk.ts";
import { type ProviderAddition, settingsWith } from "../../config/config-edits.ts";
import { loadKeys } from "../../config/keys.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { providerOf } from "../../core/settings/settings.ts";
import { VERSION_TEXT } from "../../core/version.ts";
import { AGENTS } from "../../harness/registry.ts";
import { keepLoopbackDirect, providersWithKey } from "../catalog.ts";
import { readContext, requireKey } from "../context.ts";
import { checkLeftService } from "../find-agent.ts";
import { choosePlace } from "../keys/keys-add.ts";
import {
  answered,
  chooseProviders,
  collectKeys,
  type FreshKey,
  type SetupContext,
  setupLeft,
} from "./ask-keys.ts";
import { askAgentModels, chooseChain, loadModels } from "./choose-chain.ts";
import { isEmptyPlan, offerImports, planSetup, summaryLines, writeSetup } from "./write-setup.ts";

const SETUP_ARGS = {} satisfies ArgDefs;

export const setupCommand = defineCommand({
  name: "setup",
  about: "Set up services, keys and chains interactively",
  examples: [{ line: "orouter setup", does: "prompt for everything, keeping existing settings" }],
  args: SETUP_ARGS,
  run: setup,
  children: {},
});

async function setup(): Promise<number> {
  const context = await readContext();
  if (!isInteractive()) {
    requireKey(context.keys);
    throw usageProblem("orouter setup needs a terminal.", ["orouter", "setup"]);
  }
  await checkLeftService(await AGENTS.opencode.load(), context);
  const guide = await runSetup(context);
  guide.end("Now run: orouter opencode", "Add more keys: orouter keys. Check everything: orouter doctor");
  return EXIT.fine;
}

/** Writes config.toml and keys.toml only after the last answer. */
export async function runSetup(context: SetupContext): Promise<Guide> {
  keepLoopbackDirect(process.env);
  using _held = holdKeyboard();
  const guide = await openGuide();
  guide.begin(`orouter ${VERSION_TEXT}: services, keys, models`);
  guide.tell("Nothing is written before the last question; Ctrl-C cancels.", ...thereLines(context));
  const taken = await offerImports(guide, context);
  const ticked = { ...context, keys: [...context.keys, ...taken.keys] };
  const chosen = { ...taken.providers, ...(await chooseProviders(guide, ticked)) };
  const draft = await draftContext(context, chosen);
  const fresh = await collectAll(Object.keys(chosen), { guide, ...draft, taken: taken.keys });
  const sources = { ...draft, keys: [...draft.keys, ...fresh] };
  if (!sources.keys.some((key) => key.enabled)) throw noKeyGiven();
  guide.tell("Loading model lists …");
  const models = await loadModels(sources);
  const { settings } = draft;
  const chain = await chooseChain({ guide, settings, providers: providersWithKey(sources), models });
  const agents = await askAgentModels(draft, chain);
  const { unlisted } = models;
  const plan = planSetup({
    before: context.settings,
    chosen,
    known: draft.keys,
    fresh,
    chain,
    agents,
    unlisted,
  });
  if (isEmptyPlan(plan)) {
    guide.tell("Everything is already set up: nothing to write.");
    return guide;
  }
  guide.tell(...summaryLines(plan, context.paths, models.catalog));
  if (!(await askYes("Write this?", true))) throw setupLeft();
  const place = plan.keys.length === 0 ? plan.place : answered(await choosePlace());
  await writeSetup(guide, { ...plan, place }, context);
  await models.keepLists();
  return guide;
}

/** The context with the chosen services added: some have keys that count only then. */
async function draftContext(
  context: SetupContext,
  chosen: Readonly<Record<string, ProviderAddition>>,
): Promise<SetupContext> {
  const { paths, env } = context;
  const settings = await settingsWith(paths, { providers: chosen, chain: undefined });
  const { keys } = await loadKeys({ paths, settings, env });
  return { ...context, settings, keys };
}

interface Collecting extends SetupContext {
  guide: Guide;
  taken: readonly FreshKey[];
}

async function collectAll(ids: readonly string[], collecting: Collecting): Promise<FreshKey[]> {
  const { guide, settings, keys: known, taken } = collecting;
  const fresh: FreshKey[] = [];
  for (const id of ids) {
    const provider = providerOf(settings, id);
    if (provider !== undefined)
      fresh.push(...(await collectKeys(provider, { guide, settings, known, taken })));
  }
  return fresh;
}

function thereLines({ settings, keys }: SetupContext): string[] {
  if (keys.length === 0) return ["No keys yet in keys.toml, the environment or opencode."];
  return [...Map.groupBy(keys, (key) => key.provider)].map(([id, own]) => {
    const name = providerOf(settings, id)?.name ?? id;
    const isBare = own.every((key) => key.source === "embedded");
    return `Already there for ${name}: ${isBare ? "no key, possibly none needed" : own.map((key) => key.name).join(", ")}`;
  });
}

function noKeyGiven(): Problem {
  return new Problem({
    code: "no-key",
    what: "No key was given, so nothing was written.",
    fix: "Start again: orouter setup. See it work without an account: orouter demo",
    exit: EXIT.noKey,
  });
}
