import type { Toast } from "./notices.ts";
import type { ConfirmPage, Line, ListPage, Page, Pages } from "./page.ts";
import { type Cell, COMMANDS, type Command } from "./plugin.ts";

/**
 * The part of opencode 1's TUI plugin API that is used here (packages/opencode/specs/tui-plugins.md in its sources).
 */
export interface TuiApi {
  keymap: {
    registerLayer: (layer: KeymapLayer) => void;
    registerToken: (token: { name: string; key: string }) => void;
  };
  route: { readonly current: { name: string; params?: Record<string, unknown> } };
  ui: {
    DialogSelect: (props: SelectProps) => unknown;
    DialogConfirm: (props: Omit<ConfirmPage, "kind">) => unknown;
    toast: (toast: Toast & { duration: number }) => void;
    dialog: {
      replace: (render: () => unknown, onClose?: () => void) => void;
      clear: () => void;
      setSize: (size: "medium" | "large" | "xlarge") => void;
      readonly open: boolean;
    };
  };
  event: {
    on: (
      type: "session.status",
      handler: (event: { properties: { sessionID: string; status: { type: string } } }) => void,
    ) => void;
  };
  slots: { register: (plugin: { slots: Record<string, () => unknown> }) => void };
  theme: { readonly current: { readonly textMuted: unknown } };
  tuiConfig: { keybinds?: { bindings?: readonly { key?: unknown }[] } };
  renderer: {
    readonly width: number;
    on: (event: "resize", listener: () => void) => void;
    setTerminalTitle?: (title: string) => void;
  };
  lifecycle: { readonly signal: AbortSignal };
}

export interface KeymapLayer {
  mode?: string;
  commands?: readonly PaletteCommand[];
  bindings?: readonly { key: string; cmd: string; desc: string }[];
  /** Of two layers with the same keys, the one with the higher priority gets them. */
  priority?: number;
}

interface PaletteCommand {
  name: string;
  title: string;
  category: string;
  namespace: "palette";
  slashName?: string;
  run: () => void;
}

/** opencode hides disabled lines, so a line without an action is an ordinary one. */
interface SelectOption extends Omit<Line, "run"> {
  value: string;
}

export interface SelectProps {
  readonly title: string;
  placeholder: string;
  readonly options: SelectOption[];
  /** The initial cursor line; opencode marks the line while this names it. */
  readonly current: string | undefined;
  onMove: (option: SelectOption) => void;
  onSelect: (option: SelectOption) => void;
}

/** The maximum width of opencode's prompt at home, and the width of its sidebar in a wide session. */
const HOME_PROMPT = 75;
const SIDEBAR = 42;
const WIDE = 120;

/** The frame of the prompt, and opencode's own text on the line: agent, model and provider. */
const TAKEN = 46;

/** The approximate number of characters next to opencode's own text. */
export function lineRoom(place: "home" | "session", columns: number): number {
  const session = columns > WIDE ? columns - SIDEBAR : columns;
  return (place === "home" ? Math.min(columns, HOME_PROMPT) : session) - TAKEN;
}

/** opencode's own layers, with the user's keys, and those of other plugins have a priority of 0 or more. */
const BEHIND_ALL = -1000;

export function registerCommands(
  api: Pick<TuiApi, "keymap" | "tuiConfig">,
  prefix: string,
  open: (command: Command) => void,
): void {
  const commands = COMMANDS.map(
    (command): PaletteCommand => ({
      name: command.id,
      title: command.title,
      category: "orouter",
      namespace: "palette",
      ...(command.slash === undefined ? {} : { slashName: command.slash }),
      run: () => open(command),
    }),
  );
  // Without a mode: the palette is itself a dialog and cannot see commands of the base mode.
  api.keymap.registerLayer({ commands });
  if (prefix === "none" || isTaken(api, prefix)) return;
  const start = startOf(prefix, api);
  const bindings = COMMANDS.map(({ id, title, letter }) => ({ key: start + letter, cmd: id, desc: title }));
  api.keymap.registerLayer({ mode: "base", bindings, priority: BEHIND_ALL });
}

/** If the user has bound the prefix itself, that binding stays, and ours are only in the palette. */
function isTaken({ tuiConfig }: Pick<TuiApi, "tuiConfig">, prefix: string): boolean {
  const keys = tuiConfig.keybinds?.bindings?.map(({ key }) => key) ?? [];
  return keys.some((key) => typeof key === "string" && key.split(",").some((one) => one.trim() === prefix));
}

/** A sequence starts with a named key such as `<leader>`; any other key, such as `alt+o`, gets a name first. */
function startOf(prefix: string, { keymap }: Pick<TuiApi, "keymap">): string {
  if (prefix.startsWith("<")) return prefix;
  keymap.registerToken({ name: prefix, key: prefix });
  return `<${prefix}>`;
}

/**
 * opencode returns the focus to the prompt shortly after its dialogs are closed. A page that opens earlier would lose
 * it again.
 */
const REFOCUS_MS = 20;

interface Opened {
  page: Page;
  at?: string;
}

export function dialogPages(api: Pick<TuiApi, "ui">, cell: Cell): Pages {
  const { dialog } = api.ui;
  let stack: Opened[] = [];
  /** Counts pages, so that a page knows whether it was closed or replaced. */
  let shown = 0;

  const show = (): void => {
    const opened = stack.at(-1);
    if (opened === undefined) return;
    const { page } = opened;
    const turn = ++shown;
    dialog.replace(
      () => (page.kind === "list" ? select(page, opened) : confirm(page)),
      () => {
        if (turn === shown) closed();
      },
    );
    if (page.kind === "list") dialog.setSize("large");
  };

  /** Closed by Escape, or because opencode has opened its own dialog, which must stay open. */
  const closed = (): void => {
    shown++;
    stack.pop();
    setTimeout(() => {
      if (dialog.open) stack = [];
      else if (stack.length > 0) show();
    }, REFOCUS_MS);
  };

  const select = (page: ListPage, opened: Opened): unknown => {
    const [current, setCurrent] = cell(opened.at);
    // Long enough to place the cursor; a lasting mark would look like a selection.
    setTimeout(() => setCurrent(undefined), REFOCUS_MS);
    return api.ui.DialogSelect({
      get title() {
        return page.title();
      },
      placeholder: "Filter",
      get options() {
        return optionsOf(page);
      },
      get current() {
        return current();
      },
      onMove: ({ value }) => {
        opened.at = value;
      },
      onSelect: ({ value }) => {
        opened.at = value;
        page.lines()[Number(value)]?.run?.();
      },
    });
  };

  const confirm = ({ title, message, onConfirm }: ConfirmPage): unknown =>
    api.ui.DialogConfirm({ title, message, onConfirm });

  return {
    start: (page) => {
      stack = [{ page }];
      show();
    },
    open: (page) => {
      stack.push({ page });
      show();
    },
    isOpen: () => stack.length > 0,
  };
}

/** A line's index is its value: opencode compares values deeply, and functions all look alike. */
function optionsOf(page: ListPage): SelectOption[] {
  return page.lines().map(({ run: _, ...line }, at) => ({ ...line, value: String(at) }));
}

/** The signal that makes opencode 1's interface reload its configuration. */
const SIGNAL = "SIGUSR2";

/** Between two steps of one turn a session may look idle. */
const CALM_MS = 1500;

/** The set changes as sessions become busy and idle. */
export function busySessions(event: TuiApi["event"], onChange = (): void => {}): ReadonlySet<string> {
  const busy = new Set<string>();
  event.on("session.status", ({ properties: { sessionID, status } }) => {
    if (status.type === "idle") busy.delete(sessionID);
    else busy.add(sessionID);
    onChange();
  });
  return busy;
}

export interface ModelReloadOptions {
  event: TuiApi["event"];
  after: (ms: number, call: () => void) => void;
  reload: () => boolean;
}

/** Makes opencode reload its models, but only while every session is idle: a reload aborts running work. */
export function modelReload({
  event,
  after: wait,
  reload,
}: ModelReloadOptions): (onReload: () => void) => void {
  let wanted: (() => void) | undefined;
  let looks = 0;
  const lookSoon = (): void => {
    looks++;
    const look = looks;
    wait(CALM_MS, () => {
      if (wanted === undefined || busy.size > 0 || look !== looks) return;
      const onReload = wanted;
      wanted = undefined;
      if (reload()) onReload();
    });
  };
  const busy = busySessions(event, () => {
    if (wanted !== undefined) lookSoon();
  });
  return (onReload) => {
    wanted = onReload;
    lookSoon();
  };
}

/** Only if opencode listens: without a listener the signal would end the process. */
export function askForReload(): boolean {
  return process.listenerCount(SIGNAL) > 0 && process.emit(SIGNAL, SIGNAL);
}
