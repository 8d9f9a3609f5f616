import { chainsPage } from "./chains-page.ts";
import type { Desk } from "./desk.ts";
import { keysPage } from "./keys-page.ts";
import type { Page } from "./page.ts";
import { resetPage, restsPage } from "./rests-page.ts";
import { statusPage } from "./status-page.ts";
import type { PaletteCommand, TuiApi } from "./tui-api.ts";

interface Command {
  name: string;
  title: string;
  letter: string;
  slash?: string;
  page: (desk: Desk) => Page;
}

const COMMANDS: readonly Command[] = [
  { name: "orouter.status", title: "orouter: Status", letter: "s", slash: "orouter", page: statusPage },
  { name: "orouter.keys", title: "orouter: Manage keys", letter: "m", slash: "keys", page: keysPage },
  { name: "orouter.rests", title: "orouter: Resting lanes", letter: "b", page: restsPage },
  { name: "orouter.reset", title: "orouter: Reset limits", letter: "r", page: resetPage },
  { name: "orouter.chain", title: "orouter: Fallback chain", letter: "f", slash: "chain", page: chainsPage },
];

/** opencode's own layers, with the user's keys in them, and those of other plugins are at 0 or above. */
const BEHIND_ALL = -1000;

/** Puts our commands into the palette and under their keys. `open` shows a page with a state that is fresh. */
export function registerCommands(
  api: Pick<TuiApi, "keymap" | "tuiConfig">,
  prefix: string,
  open: (page: (desk: Desk) => Page) => void,
): void {
  const commands = COMMANDS.map(
    ({ name, title, slash, page }): PaletteCommand => ({
      name,
      title,
      category: "orouter",
      namespace: "palette",
      ...(slash === undefined ? {} : { slashName: slash }),
      run: () => open(page),
    }),
  );
  // Without a mode: the palette itself is a dialog, and would not find commands that belong to the base mode.
  api.keymap.registerLayer({ commands });
  if (prefix === "none" || isTaken(api, prefix)) return;
  const start = startOf(prefix, api);
  const bindings = COMMANDS.map(({ name, title, letter }) => ({
    key: start + letter,
    cmd: name,
    desc: title,
  }));
  api.keymap.registerLayer({ mode: "base", bindings, priority: BEHIND_ALL });
}

/** Whether the user has put something of their own under the prefix: theirs stays in force, and ours are in the palette. */
function isTaken({ tuiConfig }: Pick<TuiApi, "tuiConfig">, prefix: string): boolean {
  const keys = tuiConfig.keybinds?.bindings?.map(({ key }) => key) ?? [];
  return keys.some((key) => typeof key === "string" && key.split(",").some((one) => one.trim() === prefix));
}

/** A sequence begins with a named key such as `<leader>`; any other, `alt+o` for one, is given its own name. */
function startOf(prefix: string, { keymap }: Pick<TuiApi, "keymap">): string {
  if (prefix.startsWith("<")) return prefix;
  keymap.registerToken({ name: prefix, key: prefix });
  return `<${prefix}>`;
}
