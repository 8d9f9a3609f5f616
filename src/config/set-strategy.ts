import type { Strategy } from "../core/routing/session.ts";
import { withValueAt } from "../core/settings/setting-names.ts";
import { editConfig } from "./edit-config.ts";
import type { Paths } from "./paths.ts";

/** Writes the order of the keys into config.toml. Whether anything was changed. */
export async function setStrategy(paths: Pick<Paths, "configFile">, strategy: Strategy): Promise<boolean> {
  return await editConfig(paths, (file) => withValueAt(file, ["routing", "strategy"], strategy));
}
