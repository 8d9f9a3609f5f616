import { parseSettings } from "../core/settings/settings.ts";
import { type Change, editToml } from "./edit.ts";
import type { Paths } from "./paths.ts";

const OPENING =
  "# The settings of orouter. Everything is optional; all there is, with its defaults: orouter config show\n";

/** Changes config.toml; nothing is written that would not be read again without a fault. Whether anything was. */
export async function editConfig(
  paths: Pick<Paths, "configFile">,
  change: Change,
  opening = OPENING,
): Promise<boolean> {
  return await editToml(paths.configFile, change, {
    check: (value) => {
      const parsed = parseSettings(value);
      return "faults" in parsed ? parsed.faults : [];
    },
    opening,
  });
}
