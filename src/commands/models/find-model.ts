import { looksLikeSecret } from "../../cli/looks-like-secret.ts";
import { secretInWords } from "../../cli/usage-problem.ts";
import type { Catalog } from "../../core/catalog/catalog.ts";
import { CHAIN_PROVIDER, parseModelRef } from "../../core/model-ref.ts";
import { didYouMean, nearest } from "../../core/nearest.ts";
import { EXIT, Problem } from "../../core/problem.ts";
import type { World } from "../world.ts";
import { type ListedEntry, listedModels } from "./listed-models.ts";
import { providersWithKey } from "./open-catalog.ts";
import type { Refusals } from "./refusals.ts";

/** More names than these are a list, and there is a command for that. */
const MAX_HAVING = 6;

/** The model that a person means: by its full name, a chain's, or an id that a single provider has. */
export function findModel(
  text: string,
  catalog: Catalog,
  world: Pick<World, "settings" | "keys">,
  refusals: Refusals = new Map(),
): ListedEntry {
  const ref = parseModelRef(text) ?? { provider: CHAIN_PROVIDER, model: text };
  const entry = catalog.find(text);
  if (entry !== undefined) return { provider: ref.provider, refusedBy: refusals.get(text) ?? [], ...entry };
  const providers = [CHAIN_PROVIDER, ...providersWithKey(world).map((provider) => provider.id)];
  const all = listedModels(catalog, providers, world.settings, refusals);
  const [only, ...others] = all.filter((one) => one.id === text);
  if (only !== undefined && others.length === 0) return only;
  const names = all.map((one) => `${one.provider}/${one.id}`);
  if (only !== undefined) throw ambiguous(text, [only, ...others]);
  if (looksLikeSecret(text)) throw secretInWords();
  const near =
    nearest(text, names) ??
    nearest(
      text,
      all.map((one) => one.id),
    );
  throw new Problem({
    code: "unknown-model",
    what: `Nothing is known about ${JSON.stringify(text)}.${didYouMean(near)}`,
    fix: near === undefined ? whereToLook(text, names) : "See: orouter models list",
    exit: EXIT.failed,
  });
}

/** A few words of a name are too far from all of it to be taken for a slip. */
function whereToLook(text: string, names: readonly string[]): string {
  const having = names.filter((name) => name.includes(text.toLowerCase()));
  if (having.length === 0 || having.length > MAX_HAVING) return "See: orouter models list";
  return `With it in their names: ${having.join(", ")}`;
}

function ambiguous(text: string, entries: readonly ListedEntry[]): Problem {
  return new Problem({
    code: "ambiguous-model",
    what: `${entries.length} providers have ${JSON.stringify(text)}.`,
    fix: `Name one: ${entries.map((one) => `${one.provider}/${one.id}`).join(", ")}`,
    exit: EXIT.usage,
  });
}
