import type { Line, ListPage, Page, Pages } from "./page.ts";
import type { SelectOption, TuiApi } from "./tui-api.ts";

/**
 * opencode gives the keyboard back to the prompt a moment after its dialogs are closed. A page that opens before that
 * would lose it again.
 */
const REFOCUS_MS = 20;

export interface DialogPages extends Pages {
  /** Opens a page with none below it. */
  start: (page: Page) => void;
  isOpen: () => boolean;
}

/** A value that opencode is told of when it changes: createSignal of solid-js. */
type Cell = (value: string | undefined) => [get: () => string | undefined, set: (value: undefined) => void];

/** A page, and the line the cursor was at last. */
interface Opened {
  page: Page;
  at?: string;
}

/** Pages as opencode's own dialogs, one over the other. */
export function dialogPages(api: Pick<TuiApi, "ui">, cell: Cell): DialogPages {
  const { dialog } = api.ui;
  let stack: Opened[] = [];
  /** Counts what is shown, so that a page can tell whether it was closed or replaced by another of ours. */
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

  /** By Escape, or because a dialog of opencode's own takes the place: that one is left alone. */
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
    // Long enough to put the cursor there; the mark would say that this line is in force.
    setTimeout(() => setCurrent(undefined), REFOCUS_MS);
    return api.ui.DialogSelect({
      get title() {
        return page.title();
      },
      placeholder: "Filter",
      get options() {
        return page.lines().map(optionOf);
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

  const confirm = (page: Extract<Page, { kind: "confirm" }>): unknown =>
    api.ui.DialogConfirm({
      title: page.title,
      message: page.message,
      onConfirm: page.onConfirm,
    });

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

/** The place of a line stands for it: opencode compares values, and functions in them would all look alike. */
function optionOf({ title, description, footer, category }: Line, at: number): SelectOption {
  return {
    title,
    value: String(at),
    ...(description === undefined ? {} : { description }),
    ...(footer === undefined ? {} : { footer }),
    ...(category === undefined ? {} : { category }),
  };
}
