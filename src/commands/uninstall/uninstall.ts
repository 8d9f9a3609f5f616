import { basename } from "node:path";
import { type ArgDefs, type ArgsOf, defineCommand, usageProblem } from "../../cli/command.ts";
import { holdKeyboard } from "../../cli/keyboard.ts";
import { isInteractive, out, say } from "../../cli/talk.ts";
import { systemKeychain } from "../../config/keychain.ts";
import { loadKeyEntries } from "../../config/keys-file.ts";
import { resolvePaths } from "../../config/paths.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import type { KeyEntry } from "../../core/settings/keys.ts";
import { shellWord } from "../../core/text.ts";
import {
  type FailedRemoval,
  findRemains,
  linkTargets,
  type Remains,
  removeAll,
  removeEmpty,
  removeFromKeychain,
} from "./remains.ts";

/** Printed rather than run: a program that deletes itself may delete the wrong one. */
export function programRemoval(execPath: string, platform: string = process.platform): string {
  const name = basename(execPath.replaceAll("\\", "/")).toLowerCase();
  // When run from source, the executable is Bun.
  if (name === "bun" || name === "bun.exe")
    return "orouter runs from source, so there is no program file to remove.";
  if (/[/\\]node_modules[/\\]/.test(execPath))
    return `The program is ${execPath}. Remove it with: npm uninstall -g orouter`;
  const command = platform === "win32" ? `del "${execPath}"` : `rm ${shellWord(execPath)}`;
  return `The program is ${execPath}. Remove it with: ${command}`;
}

const UNINSTALL_ARGS = {
  yes: { type: "boolean", alias: "y", description: "Skip the questions and remove keys too" },
  "keep-keys": { type: "boolean", description: "Keep keys.toml and the keychain" },
} satisfies ArgDefs;

export const uninstallCommand = defineCommand({
  name: "uninstall",
  about: "Remove orouter's files, asking separately about keys",
  examples: [
    { line: "orouter uninstall", does: "list everything, then ask" },
    { line: "orouter uninstall --yes --keep-keys", does: "all but the keys, without a confirmation" },
  ],
  args: UNINSTALL_ARGS,
  run: uninstall,
  children: {},
});

async function uninstall(args: ArgsOf<typeof UNINSTALL_ARGS>): Promise<number> {
  const paths = resolvePaths(process.env);
  const remains = findRemains(paths);
  const removal = programRemoval(process.execPath);
  const keepsKeys = args.keepKeys === true;
  const others = [...remains.config, ...remains.state, ...remains.cache, ...remains.runs];
  const mayRemoveKeys = remains.keys.length > 0 && !keepsKeys;
  show(remains, keepsKeys);
  if (remains.alive.length > 0)
    say(`orouter is running (${remains.alive.join(", ")}). Stop it first, or it writes its files again.`);
  if (others.length === 0 && !mayRemoveKeys) {
    say(
      remains.keys.length === 0
        ? "Nothing of orouter is on this machine."
        : "Only the keys could be removed.",
    );
    out(removal);
    return EXIT.fine;
  }
  const answer = await decide(args.yes === true, { hasOthers: others.length > 0, mayRemoveKeys });
  if (answer === undefined) {
    say("Nothing was removed.");
    return EXIT.failed;
  }
  const entries = answer.keys ? await keychainEntries(paths.keysFile) : [];
  const removed = [...(answer.others ? remains.config : []), ...(answer.keys ? remains.keys : [])];
  const targets = linkTargets(removed);
  const refused = [
    ...(await removeFromKeychain(entries, systemKeychain)),
    ...removeAll([...(answer.others ? others : []), ...(answer.keys ? remains.keys : [])]),
  ];
  tell(refused, removeEmpty(remains.folders));
  for (const { link, target } of targets) say(`${link} was a link: ${target} stays.`);
  out(removal);
  return refused.length === 0 ? EXIT.fine : EXIT.failed;
}

function show(remains: Remains, keepsKeys: boolean): void {
  const { config, keys, state, cache, runs } = remains;
  const groups: [title: string, paths: readonly string[]][] = [
    ["settings", config],
    [keepsKeys ? "keys (kept)" : "keys", keys],
    ["state and request ledger", state],
    ["cache", cache],
    ["left by crashed runs", runs],
  ];
  for (const [title, paths] of groups.filter((group) => group[1].length > 0)) {
    out(`${title}:`);
    for (const path of paths) out(`  ${path}`);
  }
}

interface Decision {
  others: boolean;
  keys: boolean;
}

/** Asks everything before anything is removed. Undefined if the user declines. */
async function decide(
  isSure: boolean,
  { hasOthers, mayRemoveKeys }: { hasOthers: boolean; mayRemoveKeys: boolean },
): Promise<Decision | undefined> {
  if (isSure) return { others: hasOthers, keys: mayRemoveKeys };
  if (!isInteractive()) {
    throw usageProblem("This needs a confirmation. Confirm with --yes; --keep-keys keeps the keys.", [
      "orouter",
      "uninstall",
    ]);
  }
  const { askYes } = await import("../../cli/ask.ts");
  using _held = holdKeyboard();
  const others =
    hasOthers &&
    (await askYes(
      mayRemoveKeys ? "Remove these files? The keys are asked about next." : "Remove these files?",
    ));
  if (hasOthers && !others) return undefined;
  const keys = mayRemoveKeys && (await askYes("Remove the keys as well? They cannot be brought back."));
  return others || keys ? { others, keys } : undefined;
}

/** Empty if keys.toml is invalid. */
async function keychainEntries(keysFile: string): Promise<KeyEntry[]> {
  try {
    const { entries } = await loadKeyEntries({ keysFile });
    return entries.filter(({ place }) => place.kind === "keychain");
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    say("keys.toml cannot be read: if it has keys in the system's keychain, they stay there, under orouter.");
    return [];
  }
}

function tell(refused: readonly FailedRemoval[], shared: readonly string[]): void {
  for (const { path, why } of refused) say(`${path} could not be removed (${why}).`);
  if (refused.length === 0) say("Removed.");
  for (const folder of shared) say(`${folder} stays: it is not empty.`);
}
