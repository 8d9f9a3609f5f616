import { looksLikeSecret } from "../../cli/looks-like-secret.ts";
import { talk } from "../../cli/talk.ts";
import { textArg } from "../../cli/text-arg.ts";
import { secretInWords } from "../../cli/usage-problem.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { renameKey } from "../../config/edit-keys.ts";
import { EXIT } from "../../core/problem.ts";
import type { World } from "../world.ts";
import { describeKey } from "./find-key.ts";
import type { ListedKey } from "./listed-key.ts";
import { KEY_ARGS, ownKey } from "./own-key.ts";

/** `orouter keys rename`: what is known about the key stays with it. */
export const keysRenameVerb: Verb = {
  name: "rename",
  about: "Give a key another name",
  examples: [{ line: "orouter keys rename key-1 work", does: "key-1 is called work from now on" }],
  args: {
    name: { ...KEY_ARGS.name, valueHint: "OLD" },
    to: { type: "positional", valueHint: "NEW", description: "Its new name" },
    provider: KEY_ARGS.provider,
  },
  run: rename,
  children: {},
};

async function rename(args: VerbArgs): Promise<number> {
  const newName = textArg(args, "to") ?? "";
  if (looksLikeSecret(newName)) throw secretInWords();
  const { world, key } = await ownKey(args, "rename");
  await renameOwn(world, key, newName);
  return EXIT.fine;
}

/** Renames a key of keys.toml, and tells so. */
export async function renameOwn(world: World, key: ListedKey, newName: string): Promise<void> {
  await renameKey(world, key.provider, key.name, newName);
  talk.success(`Renamed ${describeKey(key)} to ${key.provider}/${newName}.`);
}
