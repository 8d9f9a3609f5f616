import { chainsPage } from "./chain-pages.ts";
import { follow, refresher } from "./feed.ts";
import { cooldownsPage, keysPage, resetPage, statusPage } from "./key-pages.ts";
import { backNotices, calmToasts, FOUND, LOST, MODELS_CHANGED, noticeOf, type Toast } from "./notices.ts";
import { createPageContext, type Page, type PageContext, type Pages } from "./page.ts";
import { type PluginOptions, type RouterState, routerClient } from "./router-client.ts";
import { holdTitle, statusLine } from "./words.ts";

export interface TuiOptions extends PluginOptions {
  toasts: boolean;
  /** The keys before the letter of a command; "none" for no key bindings. */
  keyPrefix: string;
}

export interface Command {
  id: string;
  title: string;
  /** Follows the key prefix. */
  letter: string;
  slash?: string;
  page: (context: PageContext) => Page;
}

export const COMMANDS: readonly Command[] = [
  { id: "orouter.status", title: "orouter: Status", letter: "s", slash: "orouter", page: statusPage },
  { id: "orouter.keys", title: "orouter: Manage keys", letter: "m", slash: "keys", page: keysPage },
  { id: "orouter.cooldowns", title: "orouter: Cooldowns", letter: "b", page: cooldownsPage },
  { id: "orouter.reset", title: "orouter: Reset cooldowns", letter: "r", page: resetPage },
  { id: "orouter.chain", title: "orouter: Fallback chain", letter: "f", slash: "chain", page: chainsPage },
];

/** createSignal of solid-js. Passed in, because only opencode has that package. */
export type Cell = <T>(value: T) => [get: () => T, set: (value: T) => void];

/** What the plugin needs from a version of opencode. */
export interface Host {
  cell: Cell;
  signal: AbortSignal;
  pages: Pages;
  toast: (toast: Toast & { duration: number }) => void;
  session: () => string | undefined;
  /** Sets the title of the terminal, or gives it back; absent where opencode does not allow it. */
  title?: (words: string | undefined) => void;
  /** Whether opencode is busy in the open session. */
  isBusy: () => boolean;
  /** Makes opencode reload its models and calls back afterwards; absent if opencode does so by itself. */
  reloadModels?: (onReload: () => void) => void;
}

/** What a version of opencode shows of the plugin, besides its pages and toasts. */
export interface Plugin {
  open: (command: Command) => void;
  /** Reactive; undefined until the proxy has answered. */
  state: () => RouterState | undefined;
  /** The line beside the prompt, for this many characters. */
  line: (room: number) => string;
}

/** How often seconds are updated and the state is fetched while the user waits or looks at a page. */
const TICK_MS = 1000;
const FETCH_MS = 2000;

const TOAST_MS = 6000;

const NO_TESTS: ReadonlyMap<string, string> = new Map();

/** Waits for nothing: opencode's start must not depend on the proxy. */
export function startPlugin(host: Host, options: TuiOptions): Plugin {
  const { signal, pages, cell } = host;
  const client = routerClient(options);
  const [state, setState] = cell<RouterState | undefined>(undefined);
  const [now, setNow] = cell(Date.now());
  const [isLost, setLost] = cell(false);
  const [tests, setTests] = cell(NO_TESTS);
  const say = (toast: Omit<Toast, "title"> & { title?: string }): void =>
    host.toast({ title: "orouter", duration: TOAST_MS, ...toast });
  const tell = options.toasts ? calmToasts({ show: say, nowMs: Date.now, after }) : () => {};
  const setTitle = titleSetter(host);
  const states = refresher({
    look: client.state,
    take: (next, isOwnDoing) => {
      // A user who has just ended a cooldown needs no toast about it.
      if (!isOwnDoing) for (const notice of backNotices(state(), next)) tell(notice);
      setNow(Date.now());
      setState(next);
      setTitle(next);
    },
    signal,
  });
  const context = createPageContext({
    client,
    pages,
    state,
    isLost,
    tests,
    session: host.session,
    noteTest: (model, result) => setTests(new Map(tests()).set(model, result)),
    refresh: () => states.now(true),
    say,
  });
  let fetchedMs = 0;
  const tick = setInterval(() => {
    if (!pages.isOpen() && !host.isBusy()) return;
    setNow(Date.now());
    if (Date.now() - fetchedMs < FETCH_MS) return;
    fetchedMs = Date.now();
    states.soon();
  }, TICK_MS);
  signal.addEventListener("abort", () => clearInterval(tick), { once: true });
  const listener = {
    onOpen: () => {
      states.soon();
      if (isLost()) tell(FOUND);
      setLost(false);
    },
    onEvent: (news) => {
      states.soon();
      const notice = news && noticeOf(news);
      if (notice !== undefined) tell(notice);
      if (news?.kind === "models-changed") host.reloadModels?.(() => tell(MODELS_CHANGED));
    },
    onLost: () => {
      setLost(true);
      tell(LOST);
    },
  } satisfies Parameters<typeof follow>[1];
  void follow(client, listener, signal);
  return {
    state,
    line: (room) =>
      isLost()
        ? "orouter does not answer"
        : statusLine(state(), { room, session: host.session(), nowMs: now() }),
    open: ({ page }) => {
      // Show the known state at once and update it a moment later. Test results belong to one visit.
      states.soon();
      setTests(NO_TESTS);
      pages.start(page(context));
    },
  };
}

/** The terminal's title tells of a hold to who has gone to another window. */
function titleSetter({ title }: Host): (state: RouterState) => void {
  let shown: string | undefined;
  return (state) => {
    const words = holdTitle(state);
    if (words !== shown) title?.(words);
    shown = words;
  };
}

function after(ms: number, call: () => void): void {
  setTimeout(call, ms);
}
