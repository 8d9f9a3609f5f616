import { askSure } from "../../cli/ask-sure.ts";
import { talk } from "../../cli/talk.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { removeKey } from "../../config/edit-keys.ts";
import { keyTitle } from "../../core/key.ts";
import { EXIT } from "../../core/problem.ts";
import { readAgain, type World } from "../world.ts";
import { describeKey } from "./find-key.ts";
import { type ListedKey, listKeys } from "./listed-key.ts";
import { KEY_ARGS, ownKey } from "./own-key.ts";

/** `orouter keys remove`: asks first, since a secret that is gone cannot be brought back. */
export const keysRemoveVerb: Verb = {
  name: "remove",
  about: "Remove a key from keys.toml",
  examples: [
    { line: "orouter keys remove work", does: "asks, then removes it" },
    { line: "orouter keys remove nvidia/key-1 --yes", does: "without asking" },
  ],
  args: { ...KEY_ARGS, yes: { type: "boolean", alias: "y", description: "Do not ask" } },
  run: remove,
  children: {},
};

async function remove(args: VerbArgs): Promise<number> {
  const { world, key } = await ownKey(args, "remove");
  return (await removeOwn(world, key, args["yes"] === true)) ? EXIT.fine : EXIT.failed;
}

/** Removes a key of keys.toml once somebody is sure. Whether it was removed. */
export async function removeOwn(world: World, key: ListedKey, isSaid: boolean): Promise<boolean> {
  const call = `orouter keys remove ${keyTitle(key)} --yes`;
  if (!isSaid && !(await askSure({ question: `Remove ${describeKey(key)}?`, call }))) {
    talk.info("Nothing was removed.");
    return false;
  }
  const isForgotten = await removeKey(world, key.provider, key.name);
  talk.success(`Removed ${describeKey(key)} from ${world.paths.keysFile}.`);
  if (!isForgotten)
    talk.warn(
      "The system's keychain cannot be reached: if the secret is in it, it stays there, under orouter.",
    );
  const twin = listKeys(await readAgain(world)).find(
    (other) => other.provider === key.provider && other.fingerprint === key.fingerprint,
  );
  if (key.fingerprint !== undefined && twin !== undefined) {
    talk.warn(`The same key is still there as ${keyTitle(twin)}, from ${twin.from}.`);
  }
  return true;
}
