import { PATIENCE } from "../../../catalog/patience.ts";
import { say } from "../../../cli/io.ts";
import { paintFor } from "../../../cli/paint.ts";
import { talkWidth } from "../../../cli/talk-width.ts";
import { wrapText } from "../../../cli/wrap-text.ts";
import type { Catalog } from "../../../core/catalog/catalog.ts";
import { openCatalog } from "../../models/open-catalog.ts";
import { readAgain, readWorld, type World } from "../../world.ts";
import { leftOutNote } from "../chain-list.ts";
import { type ChainsView, viewChains } from "../chain-view.ts";
import { chainTable } from "../chains-text.ts";

/** What the editor works with: the settings as they are after each change, and the models to choose from. */
export interface EditorDesk {
  world: World;
  readonly catalog: Catalog;
}

export async function openDesk(): Promise<EditorDesk> {
  const world = await readWorld();
  const { catalog } = await openCatalog(world, PATIENCE.info);
  return { world, catalog };
}

/** Reads the files again, since any change may have come in between, and looks at the chains. */
export async function lookAgain(desk: EditorDesk): Promise<ChainsView> {
  desk.world = await readAgain(desk.world);
  return await viewChains(desk.world, desk.catalog);
}

/** Shows one chain above its menu: like the questions it is talk. */
export function showChain(name: string, { chains, nowMs }: ChainsView, desk: EditorDesk): void {
  const chain = chains.find((one) => one.name === name);
  if (chain === undefined) return;
  const paint = paintFor(process.stderr, desk.world.settings.theme);
  const width = talkWidth();
  const notes = leftOutNote(chain).flatMap((note) => wrapText(note, width));
  say(["", chainTable([chain], nowMs, { width, paint }), ...notes].join("\n"));
}
