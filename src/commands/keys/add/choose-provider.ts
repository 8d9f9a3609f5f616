import { isInteractive } from "../../../cli/io.ts";
import { usageProblem } from "../../../cli/usage-problem.ts";
import { findPreset } from "../../../core/settings/presets.ts";
import type { Provider } from "../../../core/settings/provider.ts";
import { allProviders, type Settings } from "../../../core/settings/settings.ts";
import { findProvider } from "../find-provider.ts";

/** The provider that was named, or else is chosen from the list. Undefined: the person left. */
export async function chooseProvider(
  settings: Settings,
  id: string | undefined,
): Promise<Provider | undefined> {
  if (id !== undefined) return findProvider(settings, id);
  if (!isInteractive()) throw usageProblem("orouter keys add needs PROVIDER.", ["orouter", "keys", "add"]);
  const { askChoice } = await import("../../../cli/prompts.ts");
  const options = allProviders(settings).map((provider) => ({
    value: provider.id,
    label: provider.name,
    hint: findPreset(provider.id)?.note ?? provider.id,
  }));
  const chosen = await askChoice("Whose key is it?", options);
  return chosen === undefined ? undefined : findProvider(settings, chosen);
}
