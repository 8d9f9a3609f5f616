import { readFileSync } from "node:fs";
import { createElement, insert, setProp } from "@opentui/solid";
import { createRenderEffect, createSignal } from "solid-js";
import { dialogPages, registerCommands, type Theme, type TuiContext } from "./host2.ts";
import { startPlugin, type TuiOptions } from "./plugin.ts";
import type { RouterState } from "./router-client.ts";
import { keySection } from "./words.ts";

/** Contains the proxy's address: opencode 2 passes options to server plugins only. */
const OPTIONS_FILE = "./options.json";

/** Registers everything before it returns: after an await, opencode could not attribute the registrations. */
function setup(context: TuiContext): () => void {
  const options: TuiOptions = JSON.parse(readFileSync(new URL(OPTIONS_FILE, import.meta.url), "utf8"));
  const leaving = new AbortController();
  const { ui } = context;
  const { text } = drawing(context);
  const session = (): string | undefined => ui.router.current().sessionID;
  const plugin = startPlugin(
    {
      cell: createSignal,
      signal: leaving.signal,
      pages: dialogPages(ui.dialog, context.keymap.mode, createSignal),
      toast: (toast) => ui.toast.show(toast),
      session,
      title: (words) => context.renderer.setTerminalTitle?.(words ?? USUAL_TITLE),
      isBusy: () => context.data.session.status(session() ?? "") === "running",
    },
    options,
  );
  const solid = { cell: createSignal, effect: createRenderEffect };
  ui.slot({
    append: "app",
    render: () => {
      registerCommands(context.keymap, solid, options.keyPrefix, plugin.open);
      return null;
    },
  });
  const [columns, setColumns] = createSignal(context.renderer.width);
  context.renderer.on("resize", () => setColumns(context.renderer.width));
  const isHome = (): boolean => ui.router.current().type === "home";
  // The home screen has a prompt, too, but its bottom line has more room.
  const inPrompt = (): string => (isHome() ? "" : plugin.line(columns() - PROMPT_TAKEN));
  const atHome = (): string => plugin.line(columns() - HOME_TAKEN);
  ui.slot({ append: "prompt.footer.status", render: () => text(inPrompt, (theme) => theme.muted) });
  ui.slot({ append: "home.footer.status", render: () => text(atHome, (theme) => theme.muted) });
  ui.slot({ append: "sidebar.content", render: () => keysSection(context, plugin.state) });
  return () => leaving.abort();
}

/** opencode puts its own words behind it again with the next change of session. */
const USUAL_TITLE = "OpenCode";

/** The width of opencode's own text beside the line: folder, tokens and a hint; at home the version. */
const PROMPT_TAKEN = 50;
const HOME_TAKEN = 20;

/** The keys of the run in the sidebar, drawn like opencode's own sections. */
function keysSection(context: TuiContext, state: () => RouterState | undefined): object {
  const { box, text } = drawing(context);
  const section = box({});
  insert(section, () => {
    const known = state();
    if (known === undefined) return [];
    const { summary, rows, more } = keySection(known);
    return [
      text(bold("Keys"), (theme) => theme.base),
      text(summary, (theme) => theme.muted),
      ...rows.map(({ tone, name, status }) => {
        const row = box({ flexDirection: "row", gap: 1 });
        const mark = text("•", (theme) => (tone === "muted" ? theme.muted : theme.feedback[tone].base));
        const label = text(name, (theme) => theme.base, { flexGrow: 1, flexShrink: 1, truncate: true });
        for (const part of [mark, label, text(status, (theme) => theme.muted)]) insert(row, part);
        return row;
      }),
      ...(more === "" ? [] : [text(more, (theme) => theme.muted)]),
    ];
  });
  return section;
}

/** Elements of opencode's screen, in the colours of its theme. */
function drawing(context: TuiContext) {
  const made = (tag: "box" | "text", look: Record<string, unknown>): object => {
    const element = createElement(tag);
    for (const [name, value] of Object.entries(look)) setProp(element, name, value);
    return element;
  };
  return {
    box: (look: Record<string, unknown>): object => made("box", look),
    text: (
      words: object | string | (() => string),
      colour: (theme: Theme) => unknown,
      look: Record<string, unknown> = { flexShrink: 0 },
    ): object => {
      const element = made("text", { wrapMode: "none", ...look });
      createRenderEffect(() => setProp(element, "fg", colour(context.theme.text)));
      insert(element, words);
      return element;
    },
  };
}

function bold(words: string): object {
  const element = createElement("b");
  insert(element, words);
  return element;
}

// biome-ignore lint/style/noDefaultExport: opencode loads the default export
export default { id: "orouter", setup };
