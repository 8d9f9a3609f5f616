import type { Guide } from "../../cli/guide.ts";
import { askMany, type PromptOption } from "../../cli/prompts.ts";
import type { ProviderAddition } from "../../config/first-config.ts";
import type { Provider } from "../../core/settings/provider.ts";
import { allProviders } from "../../core/settings/settings.ts";
import { answered } from "./answered.ts";
import { askService } from "./ask-service.ts";
import type { SetupWorld } from "./setup-world.ts";

/** Stands for a service that is not on the list; no provider can be called so. */
const OTHER = "+";

/** The services of the first screen, before the one that is not on the list. */
const FIRST = 3;

/** Lets a person choose services, one of their own among them. What has to be written of each, by its id. */
export async function chooseProviders(
  guide: Guide,
  world: SetupWorld,
): Promise<Record<string, ProviderAddition>> {
  const { settings, keys } = world;
  const isFirst = Object.keys(settings.providers).length === 0;
  const message = isFirst
    ? "Which services do you want to use?"
    : "Which services are to be added, or get more keys?";
  const options = optionsOf(world);
  // One that is written down and has its keys has nothing to be asked about, unless its owner says so.
  const ticked = keys.map((key) => key.provider).filter((id) => !Object.hasOwn(settings.providers, id));
  for (;;) {
    const ids = answered(await askMany(message, options, [...new Set(ticked)]));
    const known = ids.filter((id) => id !== OTHER).map((id): [string, ProviderAddition] => [id, {}]);
    const own = ids.includes(OTHER) ? [await askService(guide, settings)] : [];
    if (ids.length > 0 || keys.length > 0)
      return Object.fromEntries([...known, ...own.map(({ id, table }) => [id, table])]);
    guide.warn("None is ticked: the space bar ticks the line you are on, Enter goes on.");
  }
}

/** Those with a key first, as they are the likeliest. */
function optionsOf({ settings, keys }: SetupWorld): PromptOption[] {
  const real = keys.filter((key) => key.source !== "embedded");
  const countOf = ({ id }: Provider) => real.filter((key) => key.provider === id).length;
  const providers = allProviders(settings).toSorted(
    (a, b) => Number(countOf(b) > 0) - Number(countOf(a) > 0),
  );
  const options = providers.map((provider) => ({
    value: provider.id,
    label: provider.name,
    hint: hintOf(provider, countOf(provider)),
  }));
  const other = { value: OTHER, label: "Another service", hint: "any that speaks OpenAI's language" };
  const place = Math.max(FIRST, providers.filter((provider) => countOf(provider) > 0).length);
  return options.toSpliced(place, 0, other);
}

function hintOf(provider: Provider, keys: number): string {
  if (keys > 0) return keys === 1 ? "has a key" : `has ${keys} keys`;
  return URL.parse(provider.baseUrl)?.host ?? provider.id;
}
