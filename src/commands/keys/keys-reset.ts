import { textArg, type Verb, type VerbArgs } from "../../cli/command.ts";
import { talk } from "../../cli/talk.ts";
import { counted } from "../../core/counted.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { type CooldownSelection, isSelected } from "../../core/routing/cooldown.ts";
import { openOwnState } from "../state.ts";
import { readWorld, type World } from "../world.ts";
import { describeKey, findKey, KEY_ARGS, type ListedKey, listKeys } from "./own-key.ts";

/** `orouter keys reset`: ends cooldowns by hand, also those of runs that are under way. */
export const keysResetVerb: Verb = {
  name: "reset",
  about: "End the rests of all keys, of one key, or of a model: they are tried again at once",
  examples: [
    { line: "orouter keys reset", does: "every key and model is tried again" },
    { line: "orouter keys reset work", does: "only this key" },
    { line: "orouter keys reset work --model nvidia/z-ai/glm5", does: "only this key for this model" },
    {
      line: "orouter keys reset --model ollama-cloud/glm-5.2",
      does: "only for this model, as after a change of plan",
    },
  ],
  args: {
    ...KEY_ARGS,
    name: { ...KEY_ARGS.name, required: false },
    model: {
      type: "string",
      description: "Only rests for this model",
      valueHint: "PROVIDER/MODEL",
      offers: { names: ["models"] },
    },
  },
  run: reset,
  children: {},
};

async function reset(args: VerbArgs): Promise<number> {
  const world = await readWorld();
  const name = textArg(args, "name");
  const key = name === undefined ? undefined : findKey(listKeys(world), name, textArg(args, "provider"));
  await endCooldowns(world, key, textArg(args, "model"));
  return EXIT.fine;
}

/** Ends the cooldowns of all, of a key, for a model, or of the lane of both, and tells how many there were. */
export async function endCooldowns(
  world: World,
  key: ListedKey | undefined,
  model: string | undefined,
): Promise<void> {
  if (key !== undefined && key.fingerprint === undefined) throw noSecret(describeKey(key));
  const selection: CooldownSelection = {
    ...(key?.fingerprint === undefined ? {} : { fingerprint: key.fingerprint }),
    ...(model === undefined ? {} : { model }),
  };
  let trouble: Problem | undefined;
  const state = await openOwnState(world, (problem) => {
    trouble ??= problem;
  });
  const { cooldowns } = state.store;
  const ended = (await cooldowns.all()).filter((cooldown) => isSelected(cooldown, selection));
  for (const { id } of ended) cooldowns.clear(id);
  await state.close();
  // Unlike a request, this command is nothing but its writing.
  if (trouble !== undefined) throw trouble;
  const whose = [key === undefined ? undefined : describeKey(key), model]
    .filter((one) => one !== undefined)
    .join(" for ");
  const of = whose === "" ? "" : ` of ${whose}`;
  if (ended.length === 0) talk.info(`Nothing${of} was at rest.`);
  else talk.success(`${counted(ended.length, "rest")}${of} ended.`);
}

function noSecret(key: string): Problem {
  return new Problem({
    code: "key-without-secret",
    what: `${key} has no secret at the moment, so nothing is known of it.`,
    fix: "Reset everything: orouter keys reset",
    exit: EXIT.usage,
  });
}
