import { say } from "../../cli/io.ts";
import { talk } from "../../cli/talk.ts";
import type { Verb, VerbArgs } from "../../cli/verb.ts";
import { setKeyEnabled } from "../../config/edit-keys.ts";
import { EXIT } from "../../core/problem.ts";
import type { World } from "../world.ts";
import { describeKey } from "./find-key.ts";
import type { ListedKey } from "./listed-key.ts";
import { KEY_ARGS, ownKey } from "./own-key.ts";

/** `orouter keys enable`. */
export const keysEnableVerb: Verb = {
  name: "enable",
  about: "Use a key again",
  examples: [{ line: "orouter keys enable work", does: "requests may go to it again" }],
  args: KEY_ARGS,
  run: (args) => switchKey(args, true),
  children: {},
};

/** `orouter keys disable`. */
export const keysDisableVerb: Verb = {
  name: "disable",
  about: "Keep a key, but do not use it",
  examples: [{ line: "orouter keys disable work", does: "no request goes to it any more" }],
  args: KEY_ARGS,
  run: (args) => switchKey(args, false),
  children: {},
};

async function switchKey(args: VerbArgs, enabled: boolean): Promise<number> {
  const { world, key } = await ownKey(args, enabled ? "enable" : "disable");
  await switchOwn(world, key, enabled);
  return EXIT.fine;
}

/** Switches a key of keys.toml on or off, and tells so. */
export async function switchOwn(world: World, key: ListedKey, enabled: boolean): Promise<void> {
  const state = enabled ? "enabled" : "disabled";
  if (key.enabled === enabled) {
    say(`${describeKey(key)} is ${state} already.`);
    return;
  }
  await setKeyEnabled(world, key.provider, key.name, enabled);
  talk.success(`${describeKey(key)} is ${state} now.`);
}
