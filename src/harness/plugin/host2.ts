import type { Toast } from "./notices.ts";
import type { ConfirmPage, Line, ListPage, Page, Pages } from "./page.ts";
import { type Cell, COMMANDS, type Command } from "./plugin.ts";

/** The part of opencode 2's TUI plugin API that is used here. */
export interface TuiContext {
  data: { session: { status: (id: string) => string } };
  keymap: Keymap;
  renderer: {
    readonly width: number;
    on: (event: "resize", listener: () => void) => void;
    setTerminalTitle?: (title: string) => void;
  };
  readonly theme: { text: Theme };
  ui: {
    toast: { show: (toast: Toast & { duration: number }) => void };
    dialog: Dialogs;
    router: { current: () => { type: string; sessionID?: string } };
    slot: (claim: { append: string; render: () => object | null }) => void;
  };
}

export interface Theme {
  base: unknown;
  muted: unknown;
  feedback: Record<"success" | "warning" | "error", { base: unknown }>;
}

export interface Keymap {
  layer: (layer: () => KeymapLayer) => void;
  mode: { current: () => string; push: (mode: string) => () => void };
  /** Reactive, like the next one. */
  commands: () => readonly { id: string }[];
  /** The keys of a command as shown to the user: `ctrl+x o s`. */
  shortcuts: (id: string) => readonly string[];
}

export interface KeymapLayer {
  mode: string;
  /** Of two layers with the same keys, the one with the higher priority gets them. */
  priority: number;
  commands: readonly KeyCommand[];
}

/** A command without an id can only be reached by its key. */
interface KeyCommand {
  id?: string;
  title: string;
  group: string;
  palette?: true;
  bind?: string;
  slash?: { name: string };
  run: () => void;
}

/** Both close their dialog before they resolve; undefined means that it was closed in another way. */
export interface Dialogs {
  /** Title, options and current are read again when a signal in them changes. */
  select: (props: SelectProps) => Promise<string | undefined>;
  confirm: (props: { title: string; message: string }) => Promise<boolean | undefined>;
  set: (look: { size: "medium" | "large" | "xlarge" }) => void;
}

export interface SelectProps {
  readonly title: string;
  placeholder: string;
  readonly options: (Omit<Line, "run"> & { value: string })[];
  readonly current: string | undefined;
}

/** Bindings of opencode, of the user and of other plugins have a priority of 0 or more. */
const BEHIND_ALL = -1000;

/** createSignal and createRenderEffect of solid-js. */
export interface Solid {
  cell: Cell;
  effect: (run: () => void) => void;
}

export function registerCommands(
  keymap: Keymap,
  { cell, effect }: Solid,
  prefix: string,
  open: (command: Command) => void,
): void {
  const isSequence = prefix.startsWith("<");
  const [isBound, setBound] = cell(isSequence);
  keymap.layer(() => ({
    mode: "global",
    priority: BEHIND_ALL,
    commands: COMMANDS.map((command) => ({
      id: command.id,
      title: command.title,
      group: "orouter",
      palette: true,
      ...(isBound() ? { bind: prefix + command.letter } : {}),
      ...(command.slash === undefined ? {} : { slash: { name: command.slash } }),
      run: () => open(command),
    })),
  }));
  if (isSequence) {
    effect(() => {
      if (isPrefixTaken(keymap)) setBound(false);
    });
  } else if (prefix !== "none") bindPlainKey(keymap, prefix, open);
}

/** The mode that waits for the letter of a command, and its timeout. */
const LETTER_MODE = "orouter.letter";
const LETTER_MS = 2000;

/** opencode 2 supports sequences only after a named key such as `<leader>`; for any other key use a mode. */
function bindPlainKey(keymap: Keymap, key: string, open: (command: Command) => void): void {
  let leave = (): void => {};
  const enter = (): void => {
    leave();
    const pop = keymap.mode.push(LETTER_MODE);
    const timer = setTimeout(pop, LETTER_MS);
    leave = () => {
      clearTimeout(timer);
      pop();
    };
  };
  const layer = (mode: string, commands: Omit<KeyCommand, "group">[]): void =>
    keymap.layer(() => ({
      mode,
      priority: BEHIND_ALL,
      commands: commands.map((command) => ({ ...command, group: "orouter" })),
    }));
  layer("base", [{ title: "orouter: the next letter is a command", bind: key, run: enter }]);
  layer(LETTER_MODE, [
    { title: "Cancel", bind: "escape", run: () => leave() },
    ...COMMANDS.map((command) => ({
      title: command.title,
      bind: command.letter,
      run: () => {
        leave();
        open(command);
      },
    })),
  ]);
}

/** If the prefix itself is bound to a command, opencode would wait for a letter before it runs that command. */
function isPrefixTaken({ commands, shortcuts }: Keymap): boolean {
  const prefixes = COMMANDS.flatMap(({ id, letter }) =>
    shortcuts(id).flatMap((keys) => (keys.endsWith(` ${letter}`) ? keys.slice(0, -2) : [])),
  );
  return commands().some(({ id }) => shortcuts(id).some((keys) => prefixes.includes(keys)));
}

interface Opened {
  page: Page;
  at: string | undefined;
}

/** opencode places the cursor and returns the focus within this time after a dialog opens or closes. */
const SETTLE_MS = 20;

export function dialogPages(dialog: Dialogs, mode: Pick<Keymap["mode"], "current">, cell: Cell): Pages {
  let stack: Opened[] = [];
  /** Counts pages, so that an answer knows whether its page is still open. */
  let shown = 0;

  const show = async (): Promise<void> => {
    const opened = stack.at(-1);
    if (opened === undefined) return;
    const { page } = opened;
    const turn = ++shown;
    const isChosen = page.kind === "list" ? await select(page, opened) : await confirm(page);
    if (turn !== shown) return;
    if (!isChosen || page.kind === "confirm") leave();
    if (!isChosen) return;
    if (page.kind === "confirm") page.onConfirm();
    else page.lines()[Number(opened.at)]?.run?.();
    // The line has opened no other page, so this one stays.
    if (turn === shown) void show();
  };

  /** Returns to the page below, unless opencode has opened its own dialog. */
  const leave = (): void => {
    const turn = ++shown;
    stack.pop();
    setTimeout(() => {
      if (turn !== shown) return;
      if (mode.current() === "modal") stack = [];
      else void show();
    }, SETTLE_MS);
  };

  const select = async (page: ListPage, opened: Opened): Promise<boolean> => {
    const [current, setCurrent] = cell(opened.at);
    // Long enough to place the cursor; a lasting mark would look like a selection.
    setTimeout(() => setCurrent(undefined), SETTLE_MS);
    const choice = dialog.select({
      get title() {
        return page.title();
      },
      placeholder: "Filter",
      get options() {
        return page.lines().map(({ run: _, ...line }, at) => ({ ...line, value: String(at) }));
      },
      get current() {
        return current();
      },
    });
    dialog.set({ size: "large" });
    opened.at = await choice;
    return opened.at !== undefined;
  };

  const confirm = async ({ title, message }: ConfirmPage): Promise<boolean> =>
    (await dialog.confirm({ title, message })) === true;

  return {
    start: (page) => {
      stack = [{ page, at: undefined }];
      void show();
    },
    open: (page) => {
      stack.push({ page, at: undefined });
      void show();
    },
    isOpen: () => stack.length > 0,
  };
}
