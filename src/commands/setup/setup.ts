import { askYes, type Guide, openGuide } from "../../cli/ask.ts";
import { usageProblem, type Verb } from "../../cli/command.ts";
import { holdKeyboard } from "../../cli/keyboard.ts";
import { isInteractive } from "../../cli/talk.ts";
import { settingsWith } from "../../config/add-to-config.ts";
import type { ProviderAddition } from "../../config/first-config.ts";
import { loadKeys } from "../../config/keys.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { providerOf } from "../../core/settings/settings.ts";
import { VERSION_TEXT } from "../../core/version.ts";
import { AGENTS } from "../../harness/registry.ts";
import { keepLoopbackDirect } from "../keep-loopback-direct.ts";
import { checkLeftService } from "../left-service.ts";
import { providersWithKey } from "../models/open-catalog.ts";
import { requireKey } from "../no-key.ts";
import { readWorld } from "../world.ts";
import { chooseProviders, collectKeys, type FreshKey, type SetupWorld, setupLeft } from "./ask-keys.ts";
import { chooseChain, loadModels } from "./choose-chain.ts";
import { isEmptyPlan, offerImports, planSetup, summaryLines, writeSetup } from "./write-setup.ts";

/** `orouter setup`: the questions of the first run, at any time. */
export const setupVerb: Verb = {
  name: "setup",
  about: "Choose services, paste keys, pick models: questions, then the files are written",
  examples: [{ line: "orouter setup", does: "asks; what is there already stays" }],
  args: {},
  run: setup,
  children: {},
};

async function setup(): Promise<number> {
  const world = await readWorld();
  if (!isInteractive()) {
    requireKey(world.keys);
    throw usageProblem("orouter setup asks questions, and there is no terminal to ask in.", [
      "orouter",
      "setup",
    ]);
  }
  await checkLeftService(await AGENTS.opencode.load(), world);
  const guide = await runSetup(world);
  guide.end("Now run: orouter opencode", "More keys later: orouter keys. Is all well? orouter doctor");
  return EXIT.fine;
}

/** Asks for services, keys and models, and writes config.toml and keys.toml once all is answered, not before. */
export async function runSetup(world: SetupWorld): Promise<Guide> {
  keepLoopbackDirect(process.env);
  using _held = holdKeyboard();
  const guide = await openGuide();
  guide.begin(`orouter ${VERSION_TEXT}: services, keys, models`);
  guide.tell(
    "Nothing is written before the last question; Ctrl-C leaves all as it is.",
    ...thereLines(world),
  );
  const taken = await offerImports(guide, world);
  const ticked = { ...world, keys: [...world.keys, ...taken.keys] };
  const chosen = { ...taken.providers, ...(await chooseProviders(guide, ticked)) };
  const draft = await draftWorld(world, chosen);
  const fresh = await collectAll(Object.keys(chosen), { guide, ...draft, taken: taken.keys });
  const sources = { ...draft, keys: [...draft.keys, ...fresh] };
  if (!sources.keys.some((key) => key.enabled)) throw noKeyGiven();
  guide.tell("Asking for lists of models …");
  const models = await loadModels(sources);
  const { settings } = draft;
  const chain = await chooseChain({ guide, settings, providers: providersWithKey(sources), models });
  const { unlisted } = models;
  const plan = planSetup({ before: world.settings, chosen, known: draft.keys, fresh, chain, unlisted });
  if (isEmptyPlan(plan)) {
    guide.tell("All of that is there already: nothing has to be written.");
    return guide;
  }
  guide.tell(...summaryLines(plan, world.paths, models.catalog));
  if (!(await askYes("Write this?", true))) throw setupLeft();
  await writeSetup(guide, plan, world);
  await models.keepLists();
  return guide;
}

/** The world as it will be once the chosen services are written down: some have keys that count only then. */
async function draftWorld(
  world: SetupWorld,
  chosen: Readonly<Record<string, ProviderAddition>>,
): Promise<SetupWorld> {
  const { paths, env } = world;
  const settings = await settingsWith(paths, { providers: chosen, chain: undefined });
  const { keys } = await loadKeys({ paths, settings, env });
  return { ...world, settings, keys };
}

interface Collecting extends SetupWorld {
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

/** What there is to begin with, a line for each service. */
function thereLines({ settings, keys }: SetupWorld): string[] {
  if (keys.length === 0) return ["There is no key yet: not in keys.toml, the environment or opencode."];
  return [...Map.groupBy(keys, (key) => key.provider)].map(([id, own]) => {
    const name = providerOf(settings, id)?.name ?? id;
    const isBare = own.every((key) => key.source === "embedded");
    return `There already for ${name}: ${isBare ? "no key, and none may be needed" : own.map((key) => key.name).join(", ")}`;
  });
}

function noKeyGiven(): Problem {
  return new Problem({
    code: "no-key",
    what: "No key was given, so nothing was written.",
    fix: "Begin again with: orouter setup; or see it work without any account: orouter demo",
    exit: EXIT.noKey,
  });
}
