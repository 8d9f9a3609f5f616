import type { ConfirmProps } from "./tui-api.ts";

/** One line of a page, and what Enter does there; without it the line only tells. */
export interface Line {
  title: string;
  description?: string;
  footer?: string;
  category?: string;
  run?: () => void;
}

/** A dialog with lines that are made anew whenever the state changes. */
export interface ListPage {
  kind: "list";
  title: () => string;
  lines: () => Line[];
}

/** A question before something that cannot be taken back. */
export interface ConfirmPage extends ConfirmProps {
  kind: "confirm";
}

export type Page = ListPage | ConfirmPage;

/** Where a page can lead to. */
export interface Pages {
  /** Opens a page over the one that is open; Escape comes back to it. */
  open: (page: Page) => void;
}
