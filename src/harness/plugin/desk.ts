import type { ControlState } from "../../core/routing/control-state.ts";
import type { Pages } from "./page.ts";
import type { RouterClient } from "./router-client.ts";

/** What the pages work with. */
export interface Desk {
  client: RouterClient;
  pages: Pages;
  /** As last heard of; undefined until the proxy has answered once. Pages that read it are drawn again when it changes. */
  state: () => ControlState | undefined;
  /** Whether the proxy is away, so that what is known is old. */
  isLost: () => boolean;
  /** The session that is open, if one is. */
  session: () => string | undefined;
  /** How the last test of each model went, by its name. */
  tests: () => ReadonlyMap<string, string>;
  noteTest: (model: string, result: string) => void;
  /** Does something at once and shows what has become of it; a sentence that comes back is said. */
  act: (work: () => Promise<string | undefined>) => void;
}
