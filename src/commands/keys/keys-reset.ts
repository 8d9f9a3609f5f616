import { type ArgDefs, type ArgsOf, defineCommand } from "../../cli/command.ts";
import { talk } from "../../cli/talk.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import { type CooldownSelection, isSelected } from "../../core/routing/cooldown.ts";
import { counted } from "../../core/text.ts";
import { type CommandContext, readContext } from "../context.ts";
import { openOwnState } from "../state.ts";
import { describeKey, findKey, KEY_ARGS, type ListedKey, listKeys } from "./own-key.ts";

const KEYS_RESET_ARGS = {
  ...KEY_ARGS,
  name: { ...KEY_ARGS.name, required: false },
  model: {
    type: "string",
    description: "End only cooldowns of this model",
    valueHint: "PROVIDER/MODEL",
    offers: { names: ["models"] },
  },
} satisfies ArgDefs;

/** Also applies to running orouters. */
export const keysResetCommand = defineCommand({
  name: "reset",
  about: "End cooldowns of all keys, one key or one model",
  examples: [
    { line: "orouter keys reset", does: "end all cooldowns" },
    { line: "orouter keys reset work", does: "of this key" },
    { line: "orouter keys reset work --model nvidia/z-ai/glm5", does: "of this key for this model" },
    {
      line: "orouter keys reset --model ollama-cloud/glm-5.2",
      does: "of this model, for example after a plan change",
    },
  ],
  args: KEYS_RESET_ARGS,
  run: reset,
  children: {},
});

async function reset(args: ArgsOf<typeof KEYS_RESET_ARGS>): Promise<number> {
  const context = await readContext();
  const name = args.name;
  const key = name === undefined ? undefined : findKey(listKeys(context), name, args.provider);
  await endCooldowns(context, key, args.model);
  return EXIT.fine;
}

export async function endCooldowns(
  context: CommandContext,
  key: ListedKey | undefined,
  model: string | undefined,
): Promise<void> {
  if (key !== undefined && key.fingerprint === undefined) throw noSecret(describeKey(key));
  const selection: CooldownSelection = {
    ...(key?.fingerprint === undefined ? {} : { fingerprint: key.fingerprint }),
    ...(model === undefined ? {} : { model }),
  };
  let trouble: Problem | undefined;
  const state = await openOwnState(context, (problem) => {
    trouble ??= problem;
  });
  const { cooldowns } = state.store;
  const ended = (await cooldowns.all()).filter((cooldown) => isSelected(cooldown, selection));
  for (const { id } of ended) cooldowns.clear(id);
  await state.close();
  // Unlike a request, this command must fail if the state cannot be written.
  if (trouble !== undefined) throw trouble;
  const whose = [key === undefined ? undefined : describeKey(key), model]
    .filter((one) => one !== undefined)
    .join(" for ");
  const of = whose === "" ? "" : ` of ${whose}`;
  if (ended.length === 0) talk.info(`No cooldowns${of}.`);
  else talk.success(`Ended ${counted(ended.length, "cooldown")}${of}.`);
}

function noSecret(key: string): Problem {
  return new Problem({
    code: "key-without-secret",
    what: `${key} has no secret at the moment, so its cooldowns are unknown.`,
    fix: "Reset everything: orouter keys reset",
    exit: EXIT.usage,
  });
}
