import type { PromptOption } from "../../cli/prompts.ts";
import type { Catalog } from "../../core/catalog/catalog.ts";
import { parseModelRef } from "../../core/model-ref.ts";
import { defaultModel } from "../../core/overlay/default-model.ts";
import { opencodeId } from "../../core/overlay/opencode-providers.ts";
import type { Provider } from "../../core/settings/provider.ts";
import type { Settings } from "../../core/settings/settings.ts";
import { choiceHint } from "../models/model-words.ts";

/** What there is to choose from. */
interface Choosable {
  catalog: Catalog;
  providers: readonly Provider[];
  settings: Pick<Settings, "providers">;
}

/** The models to choose from: the one that surely works first, those that were taken away last. */
export function modelOptions({ catalog, providers, settings }: Choosable): PromptOption[] {
  const wish = wishedModel(providers, settings);
  const models = providers.flatMap(({ id }) =>
    catalog.modelsOf(id).map((entry) => ({ ref: `${id}/${entry.id}`, entry })),
  );
  const rank = ({ ref, entry }: (typeof models)[number]) => (ref === wish ? 0 : entry.isRetired ? 2 : 1);
  const options = models
    .toSorted((a, b) => rank(a) - rank(b))
    .map(({ ref, entry }) => ({ value: ref, label: ref, hint: choiceHint(entry) }));
  const isUnlisted = wish !== undefined && !options.some(({ value }) => value === wish);
  // A list that came and does not have it is right; one that did not come says nothing against it.
  return isUnlisted && catalog.modelsOf(parseModelRef(wish)?.provider ?? "").length === 0
    ? [{ value: wish, label: wish, hint: "most accounts have it" }, ...options]
    : options;
}

/** What orouter would take if nothing were chosen, by the id that it has here. */
function wishedModel(
  providers: readonly Provider[],
  settings: Pick<Settings, "providers">,
): string | undefined {
  const name = defaultModel(providers, { ...settings, chains: {} });
  const owner = providers.find(({ id }) => name?.startsWith(`${opencodeId(id)}/`));
  return owner === undefined ? undefined : `${owner.id}/${name?.slice(opencodeId(owner.id).length + 1)}`;
}
