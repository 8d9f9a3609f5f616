import { createElement, insert, setProp } from "@opentui/solid";
import { createRenderEffect, createSignal } from "solid-js";
import type { ControlState } from "../../core/routing/control-state.ts";
import { calmToasts } from "./calm-toasts.ts";
import { registerCommands } from "./commands.ts";
import { createDesk } from "./create-desk.ts";
import { dialogPages } from "./dialog-pages.ts";
import { follow } from "./feed.ts";
import { askForReload, modelReload } from "./model-reload.ts";
import { backNotices, FOUND, LOST, MODELS_READ, noticeOf } from "./notice.ts";
import type { TuiOptions } from "./plugin-options.ts";
import { refresher } from "./refresher.ts";
import { routerClient } from "./router-client.ts";
import { lineRoom, statusLine } from "./status-line.ts";
import type { Toast, TuiApi } from "./tui-api.ts";

/** Waits count down while somebody looks at them. */
const TICK_MS = 2000;

const TOAST_MS = 6000;

const NO_TESTS: ReadonlyMap<string, string> = new Map();

/** Everything is set up at once and waits for nothing: opencode's start does not depend on the proxy. */
async function tui(api: TuiApi, options: TuiOptions): Promise<void> {
  const { signal } = api.lifecycle;
  const client = routerClient(options);
  const [state, setState] = createSignal<ControlState | undefined>(undefined);
  const [isLost, setLost] = createSignal(false);
  const [tests, setTests] = createSignal<ReadonlyMap<string, string>>(NO_TESTS);
  const say = (toast: Pick<Toast, "variant" | "message"> & { title?: string }): void =>
    api.ui.toast({ title: "orouter", duration: TOAST_MS, ...toast });
  const tell = options.toasts ? calmToasts({ show: say, nowMs: Date.now, after }) : () => {};
  const states = refresher({
    look: client.state,
    take: (now, isOwnDoing) => {
      // Who has just ended a rest need not be told of it.
      if (!isOwnDoing) for (const notice of backNotices(state(), now)) tell(notice);
      setState(now);
    },
    signal,
  });
  const pages = dialogPages(api, createSignal);
  const desk = createDesk({
    client,
    pages,
    state,
    isLost,
    tests,
    session: () => sessionOf(api),
    noteTest: (model, result) => setTests(new Map(tests()).set(model, result)),
    refresh: () => states.now(true),
    say,
  });
  registerCommands(api, options.keyPrefix, (page) => {
    // What is known is shown at once, and put right a moment later. How a test went is news for as long as one looks on.
    states.soon();
    setTests(NO_TESTS);
    pages.start(page(desk));
  });
  registerLine(api, (room) => (isLost() ? "orouter does not answer" : statusLine(state(), room)));
  const tick = setInterval(() => pages.isOpen() && states.soon(), TICK_MS);
  signal.addEventListener("abort", () => clearInterval(tick), { once: true });
  const reloadModels = modelReload({
    event: api.event,
    after,
    reload: askForReload,
    onReload: () => tell(MODELS_READ),
  });
  void follow(
    client,
    {
      onOpen: () => {
        states.soon();
        if (isLost()) tell(FOUND);
        setLost(false);
      },
      onEvent: (event) => {
        states.soon();
        const notice = noticeOf(event);
        if (notice !== undefined) tell(notice);
        if (event.kind === "models-changed") reloadModels();
      },
      onLost: () => {
        setLost(true);
        tell(LOST);
      },
    },
    signal,
  );
}

function after(ms: number, call: () => void): void {
  setTimeout(call, ms);
}

/** The line beside the prompt, at home and in a session. */
function registerLine(api: TuiApi, text: (room: number) => string): void {
  const [columns, setColumns] = createSignal(api.renderer.width);
  api.renderer.on("resize", () => setColumns(api.renderer.width));
  const lineAt = (place: "home" | "session") => (): object => {
    const element = createElement("text");
    // A second line would push opencode's own words about.
    setProp(element, "wrapMode", "none");
    createRenderEffect(() => setProp(element, "fg", api.theme.current.textMuted));
    insert(element, () => text(lineRoom(place, columns())));
    return element;
  };
  api.slots.register({
    slots: { home_prompt_right: lineAt("home"), session_prompt_right: lineAt("session") },
  });
}

function sessionOf({ route }: TuiApi): string | undefined {
  const id = route.current.params?.["sessionID"];
  return route.current.name === "session" && typeof id === "string" ? id : undefined;
}

// biome-ignore lint/style/noDefaultExport: it is what opencode looks for
export default { id: "orouter", tui };
