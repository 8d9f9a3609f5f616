import type { Guide } from "../../cli/guide.ts";
import { addToConfig } from "../../config/add-to-config.ts";
import { addAllKeys } from "../../config/edit-keys.ts";
import { loadKeyEntries } from "../../config/keys-file.ts";
import { readOpencodeConfigs } from "../../config/opencode-configs.ts";
import { opencodePlace } from "../../config/opencode-place.ts";
import type { ImportedKey } from "../../core/imports/key-import.ts";
import { planImport } from "../../core/imports/plan-import.ts";
import { defaultModel } from "../../core/overlay/default-model.ts";
import { hasChosenModel } from "../../harness/opencode/chosen-model.ts";
import { providersWithKey } from "../models/open-catalog.ts";
import { readAgain } from "../world.ts";
import type { FreshKey } from "./fresh-key.ts";
import type { SetupPlan } from "./setup-plan.ts";
import type { SetupWorld } from "./setup-world.ts";

/** Writes both files, each at once. Keys go first: whatever stops the second, what is lost can be chosen again. */
export async function writeSetup(guide: Guide, plan: SetupPlan, world: SetupWorld): Promise<void> {
  const { paths } = world;
  const { addition, keys } = plan;
  const hasConfig = addition.chain !== undefined || Object.keys(addition.providers).length > 0;
  if (keys.length > 0) {
    await addAllKeys({ paths }, await namedKeys(keys, paths));
    guide.succeed(`Written: ${paths.keysFile}`);
  }
  if (hasConfig && (await addToConfig(paths, addition))) guide.succeed(`Written: ${paths.configFile}`);
  guide.tell(await startText(world));
}

/** Keys under names that are free. */
async function namedKeys(keys: readonly FreshKey[], paths: SetupWorld["paths"]) {
  const { entries } = await loadKeyEntries(paths);
  const standing = entries.map((entry) => ({ ...entry, fingerprint: undefined }));
  const wished = keys.map(({ provider, wishedName: name, enabled, secret }): ImportedKey => {
    return { provider, name, enabled, place: { kind: "value", secret } };
  });
  return planImport(wished, standing).fresh;
}

/** What opencode will start with. */
async function startText(world: SetupWorld): Promise<string> {
  const after = await readAgain(world);
  const here = opencodePlace(after.env);
  if (hasChosenModel({ ...here, configs: readOpencodeConfigs(here) })) {
    return "opencode keeps the model that you have chosen there; /models in it changes that.";
  }
  const model = defaultModel(providersWithKey(after), after.settings);
  return model === undefined ? "You choose a model in opencode: /models" : `opencode starts with ${model}.`;
}
