import { createElement, insert, setProp } from "@opentui/solid";
import { createRenderEffect, createSignal } from "solid-js";
import {
  askForReload,
  busySessions,
  dialogPages,
  lineRoom,
  modelReload,
  registerCommands,
  type TuiApi,
} from "./host1.ts";
import { type Plugin, startPlugin, type TuiOptions } from "./plugin.ts";

async function tui(api: TuiApi, options: TuiOptions): Promise<void> {
  const busy = busySessions(api.event);
  const plugin = startPlugin(
    {
      cell: createSignal,
      signal: api.lifecycle.signal,
      pages: dialogPages(api, createSignal),
      toast: api.ui.toast,
      session: () => sessionOf(api),
      title: (words) => api.renderer.setTerminalTitle?.(words ?? USUAL_TITLE),
      isBusy: () => busy.has(sessionOf(api) ?? ""),
      reloadModels: modelReload({ event: api.event, after, reload: askForReload }),
    },
    options,
  );
  registerCommands(api, options.keyPrefix, plugin.open);
  registerLine(api, plugin.line);
}

/** opencode puts its own words behind it again with the next change of session. */
const USUAL_TITLE = "OpenCode";

function after(ms: number, call: () => void): void {
  setTimeout(call, ms);
}

function sessionOf({ route }: TuiApi): string | undefined {
  const id = route.current.params?.["sessionID"];
  return route.current.name === "session" && typeof id === "string" ? id : undefined;
}

/** The line beside the prompt, at home and in a session. */
function registerLine(api: TuiApi, text: Plugin["line"]): void {
  const [columns, setColumns] = createSignal(api.renderer.width);
  api.renderer.on("resize", () => setColumns(api.renderer.width));
  const lineAt = (place: "home" | "session") => (): object => {
    const element = createElement("text");
    // A second line would move opencode's own text.
    setProp(element, "wrapMode", "none");
    createRenderEffect(() => setProp(element, "fg", api.theme.current.textMuted));
    insert(element, () => text(lineRoom(place, columns())));
    return element;
  };
  api.slots.register({
    slots: { home_prompt_right: lineAt("home"), session_prompt_right: lineAt("session") },
  });
}

// biome-ignore lint/style/noDefaultExport: opencode loads the default export
export default { id: "orouter", tui };
