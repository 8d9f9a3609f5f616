import { isTable } from "../core/settings/setting-faults.ts";
import type { Settings } from "../core/settings/settings.ts";
import { editConfig } from "./edit-config.ts";
import type { Paths } from "./paths.ts";

/** Writes the order of the keys into config.toml. Whether anything was changed. */
export async function setStrategy(
  paths: Pick<Paths, "configFile">,
  strategy: Settings["routing"]["strategy"],
): Promise<boolean> {
  return await editConfig(paths, (value) => {
    const routing = isTable(value["routing"]) ? value["routing"] : {};
    return { ...value, routing: { ...routing, strategy } };
  });
}
