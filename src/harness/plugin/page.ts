import type { Toast } from "./notices.ts";
import type { RouterClient, RouterState } from "./router-client.ts";

/** One line of a page; without `run` it is only text. */
export interface Line {
  title: string;
  description?: string;
  footer?: string;
  category?: string;
  run?: () => void;
}

/** A dialog whose lines are rebuilt when the state changes. */
export interface ListPage {
  kind: "list";
  title: () => string;
  lines: () => Line[];
}

/** A question before an action that cannot be undone. */
export interface ConfirmPage {
  kind: "confirm";
  title: string;
  message: string;
  onConfirm: () => void;
}

export type Page = ListPage | ConfirmPage;

/** The stack of open pages. Each version of opencode draws them with its own dialogs. */
export interface Pages {
  /** Opens a page without one below it. */
  start: (page: Page) => void;
  /** Opens a page on top; Escape returns to the previous one. */
  open: (page: Page) => void;
  isOpen: () => boolean;
}

export interface PageContext {
  client: RouterClient;
  pages: Pick<Pages, "open">;
  /** The last known state; undefined until the proxy has answered. Pages that read it are redrawn when it changes. */
  state: () => RouterState | undefined;
  /** Whether the proxy cannot be reached, so that the state is old. */
  isLost: () => boolean;
  session: () => string | undefined;
  /** The result of each model's last test, by the model's name. */
  tests: () => ReadonlyMap<string, string>;
  noteTest: (model: string, result: string) => void;
  /** Runs an action and fetches the state; shows the returned sentence, or the error. */
  act: (work: () => Promise<string | undefined>) => void;
}

export interface PageContextParts extends Omit<PageContext, "act"> {
  refresh: () => Promise<void>;
  say: (toast: Pick<Toast, "variant" | "message">) => void;
}

export function createPageContext({ refresh, say, ...parts }: PageContextParts): PageContext {
  const carryOut = async (work: () => Promise<string | undefined>): Promise<void> => {
    try {
      const message = await work();
      await refresh();
      if (message !== undefined) say({ variant: "success", message });
    } catch (error) {
      say({ variant: "error", message: (error as Error).message });
    }
  };
  return { ...parts, act: (work) => void carryOut(work) };
}

/** Shown before the first answer of the proxy. */
export const NOT_YET: Line = { title: "Waiting for the proxy's first answer." };
